// What this machine lacks for brokers in containers, and how it gets it.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { capture } from './process.mjs';

/** @typedef {'docker' | 'debootstrap' | 'maven'} Need */
/** @typedef {{ readonly platform: string, readonly isRoot: boolean, readonly isDebian: boolean }} Machine */

const packages = ['docker.io', 'containerd', 'runc', 'iptables', 'debootstrap'];
const apt = 'apt-get install -y --no-install-recommends';

/** Debian keeps dockerd and debootstrap where the PATH of some shells does not look. */
export const environment = {
  ...process.env,
  PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter),
};

/** @returns {Machine} */
export function thisMachine() {
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    isDebian: existsSync('/etc/os-release') && isDebianRelease(readFileSync('/etc/os-release', 'utf8')),
  };
}

/** @param {string} release the text of /etc/os-release */
export function isDebianRelease(release) {
  return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/m.test(release);
}

/**
 * Whether these scripts may install and start Docker there by themselves.
 *
 * @param {Machine} machine
 */
export function canInstall(machine) {
  return machine.platform === 'linux' && machine.isRoot && machine.isDebian;
}

/**
 * @param {string} problem what Docker's client said
 * @param {Machine} machine
 * @returns {string} the one command that gets Docker going where these scripts may not install it
 */
export function remedy(problem, machine) {
  const installed = !/ENOENT|not found/i.test(problem);
  if (machine.platform === 'darwin') return installed ? 'open -a Docker' : 'brew install --cask docker-desktop';
  if (machine.platform === 'win32') return installed ? 'docker desktop start' : 'winget install Docker.DockerDesktop';
  if (/permission denied/i.test(problem)) return 'sudo usermod -aG docker "$USER" && newgrp docker';
  if (installed) return 'sudo systemctl start docker';
  if (!machine.isDebian) return 'curl -fsSL https://get.docker.com | sudo sh';
  return `sudo apt-get update && sudo ${apt} ${packages.join(' ')} && sudo usermod -aG docker "$USER" && newgrp docker`;
}

/** @returns {Promise<boolean>} whether the program can be started at all */
export async function hasProgram(/** @type {string} */ name) {
  const { code } = await capture(name, ['--version'], { env: environment });
  return code !== 127;
}

/**
 * Installs what Docker and the base images take from Debian, or other packages, as root; brings apt's lists up to date when
 * it knows too little.
 */
export async function installPackages(names = packages) {
  const install = () => capture('sh', ['-c', `${apt} ${names.join(' ')}`], { env: quiet });
  if ((await install()).code === 0) return;
  const update = await capture('apt-get', ['update'], { env: quiet });
  if (update.code !== 0) throw new Error(`${update.output}\napt-get update failed; see above.`);
  const { code, output } = await install();
  if (code !== 0) throw new Error(`${output}\napt-get could not install ${names.join(' ')}; see above.`);
}

const quiet = { ...environment, DEBIAN_FRONTEND: 'noninteractive' };
