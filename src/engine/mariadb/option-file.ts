import { writeFile } from 'node:fs/promises';
import type { Login } from './login.ts';

/**
 * Writes a login as an option file (0600) for one tool: its password then shows neither in the process list nor in an
 * environment. The file must lie in a 0700 directory and go with it.
 */
export async function writeOptionFile(path: string, group: string, login: Login): Promise<void> {
  const { socket, host, port, user, password, tls } = login;
  const options: Record<string, string | undefined> = {
    user,
    password,
    socket,
    host,
    port: port?.toString(),
    // Else the tools take the host "localhost" to mean a socket.
    protocol: socket === undefined ? 'tcp' : 'socket',
    ...(tls === undefined
      ? {}
      : {
          ssl: '1',
          'ssl-ca': tls.ca,
          'ssl-cert': tls.cert,
          'ssl-key': tls.key,
          'ssl-verify-server-cert': tls.verify ? '1' : '0',
        }),
  };
  const lines = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${quoteOption(value)}`],
  );
  await writeFile(path, `[${group}]\n${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
}

/** A value as option files take it: in quotes, with backslash, quote, newline, return and tab escaped. */
export function quoteOption(value: string): string {
  const escapes: Record<string, string> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  return `"${value.replace(/[\\"\n\r\t]/g, (character) => escapes[character] ?? character)}"`;
}
