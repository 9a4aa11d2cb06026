import type { Credentials } from './broker-spec.ts';

/** What stands before the host in a URL: 'user:password@', percent-encoded; empty where nobody has to log in. */
export function loginOf(credentials: Credentials | undefined): string {
  if (credentials === undefined) return '';
  return `${encodeURIComponent(credentials.username)}:${encodeURIComponent(credentials.password)}@`;
}

/** 'host:port,host:port', of 127.0.0.1. */
export function hostsOf(ports: readonly number[]): string {
  return ports.map((port) => `127.0.0.1:${port}`).join();
}
