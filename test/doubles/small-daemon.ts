/**
 * A program that keeps a local daemon's bargain towards clients and does nothing else: lock, socket, `/healthz`, drain.
 * How it behaves stands in `<home>/behaviour.json`; every start leaves `<home>/started-<pid>.json`.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

export interface Behaviour {
  version: string;
  contract: number;
  startedBy: 'client' | 'person';
  idle: boolean;
  /** Prints this to its log and ends with code 1. */
  dieSaying?: string;
}

const home = process.env.SKYBACKUP_HOME ?? '';
const behaviour: Behaviour = JSON.parse(readFileSync(join(home, 'behaviour.json'), 'utf8'));
const socket = join(home, 'daemon.sock');
const lock = join(home, 'daemon.lock');
writeFileSync(
  join(home, `started-${process.pid}.json`),
  JSON.stringify({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd() }),
);
if (behaviour.dieSaying !== undefined) {
  process.stderr.write(`${behaviour.dieSaying}\n`);
  process.exit(1);
}
try {
  writeFileSync(lock, String(process.pid), { flag: 'wx' });
} catch {
  process.exit(75);
}
if (existsSync(socket)) rmSync(socket);

const server = createServer((request, response) => {
  if (request.url === '/skybackup/v1/drain') {
    response.end('{}', () => {
      rmSync(lock);
      process.exit(0);
    });
  } else if (request.url === '/healthz') {
    const { version, contract, idle, startedBy } = behaviour;
    const health = { ok: true, version, contract, instance: 'i', pid: process.pid, idle, started_by: startedBy };
    response.end(JSON.stringify(health));
  } else if (request.method === 'POST') {
    response.end('', () => process.exit(1));
  } else {
    response.end('[]');
  }
});
server.listen(socket);
process.on('SIGTERM', () => {
  rmSync(lock, { force: true });
  process.exit(0);
});
