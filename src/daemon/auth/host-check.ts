import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { SkybackupError } from '../../contract/errors.ts';

/**
 * A web page can make a browser send requests to 127.0.0.1 under a name its owner controls (DNS rebinding). Such requests
 * carry that name as Host: only addresses, this machine's names and the name listened on are answered.
 */
export function checkHost(header: string | undefined, listenHost: string): void {
  const name = (header ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  const own = ['localhost', hostname().toLowerCase(), listenHost.toLowerCase()];
  if (isIP(name) !== 0 || own.includes(name)) return;
  throw new SkybackupError('forbidden', 'The Host header names no address of this daemon.', {
    hint: 'Call the daemon by its address, by localhost, or by the name it listens on.',
  });
}
