import { existsSync, readFileSync } from 'node:fs';
import { registerSecret } from '../../contract/redact.ts';
import { writeDurably } from './durable-file.ts';

/** The daemon's own account on every managed server. */
export const ownAccount = { user: 'skybackup', host: 'localhost' } as const;
export const ownAccountSql = '`skybackup`@`localhost`';

/** Writes the option file (0600) that clients and mariadb-backup log in with. */
export function writeClientFile(path: string, socket: string, password: string): void {
  writeDurably(
    path,
    `[client]\nuser=${ownAccount.user}\npassword=${password}\nsocket="${socket.replaceAll('\\', '\\\\')}"\n`,
    0o600,
  );
}

/** The password of a client file we wrote; undefined when there is none. */
export function readClientPassword(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const password = /^password=([0-9a-f]{48})$/m.exec(readFileSync(path, 'utf8'))?.[1];
  registerSecret(password);
  return password;
}
