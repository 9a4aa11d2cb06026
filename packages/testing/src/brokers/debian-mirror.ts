import type { RunCommand } from './run-command.ts';

/**
 * The Debian mirror that this machine's own apt is set up with. Undefined when it has none: debootstrap then takes its own.
 */
export async function debianMirror(run: RunCommand): Promise<string | undefined> {
  const format = '$(REPO_URI) $(ORIGIN) $(CODENAME)';
  const { code, stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  return code === 0 ? mirrorOf(stdout) : undefined;
}

/** Of the lines `URI origin codename`, the URI of Debian itself and not of its security updates. */
export function mirrorOf(targets: string): string | undefined {
  const lines = targets.split('\n').map((line) => line.split(' '));
  return lines.find(
    ([uri = '', origin, codename = '']) =>
      // apt knows the origin only after its first update; until then the URI has to tell.
      (origin === 'Debian' || /\/debian\/?$/.test(uri)) && !/security|backports/.test(`${uri} ${codename}`),
  )?.[0];
}

/** The proxy that apt goes through, for debootstrap, which does not read apt's configuration. */
export async function aptProxy(run: RunCommand): Promise<string | undefined> {
  const { stdout } = await run('apt-config', ['shell', 'PROXY', 'Acquire::http::Proxy']);
  const proxy = /^PROXY='(.+)'$/m.exec(stdout)?.[1];
  return proxy === 'DIRECT' ? undefined : proxy;
}
