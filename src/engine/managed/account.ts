import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { registerSecret } from '../../contract/redact.ts';
import { writeDurably } from './durable-file.ts';

/** The daemon's own account on every managed server. */
export const ownAccount = { user: 'skybackup', host: 'localhost' } as const;
export const ownAccountSql = '`skybackup`@`localhost`';

/** A password that needs no quoting anywhere. */
export function randomPassword(): string {
  const password = randomBytes(24).toString('hex');
  registerSecret(password);
  return password;
}

/** The hash that `mysql_native_password` stores: statements then carry no password into logs or files. */
export function passwordHash(password: string): string {
  const sha1 = (data: Buffer | string) => createHash('sha1').update(data).digest();
  return `*${sha1(sha1(password)).toString('hex').toUpperCase()}`;
}

/** One statement per line, as `--init-file` and `--bootstrap` want it. */
export function accountStatements(account: string, password: string): string[] {
  return [
    `CREATE OR REPLACE USER ${account} IDENTIFIED BY PASSWORD '${passwordHash(password)}'`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION`,
  ];
}

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
