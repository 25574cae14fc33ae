import { createHash, randomBytes } from 'node:crypto';
import { registerSecret } from '../../contract/redact.ts';

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

/** Makes `account` (quoted) anew with all privileges. One statement a line, as `--init-file` and `--bootstrap` want it. */
export function accountStatements(account: string, password: string): string[] {
  return [
    `CREATE OR REPLACE USER ${account} IDENTIFIED BY PASSWORD '${passwordHash(password)}'`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION`,
  ];
}
