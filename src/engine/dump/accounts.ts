import { text } from 'node:stream/consumers';
import { SkybackupError } from '../../contract/errors.ts';
import { startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import { createdEitherWay, type PluginAccount } from './plugin-accounts.ts';
import { dumpFailure, endsCompleted } from './verdict.ts';

export interface DumpedAccounts {
  /** Statements that make every account and role, and grant what each holds. Contains password hashes. */
  sql: string;
  /** Accounts that the server itself ignores. */
  leftOut: string[];
}

/**
 * An account named by host that a server with skip_name_resolve read at its start: it is listed and not in force, and the
 * server denies knowing it. Without --force, mariadb-dump ends there, with all accounts after it missing.
 */
const ignoredAccount = /Couldn't execute 'SHOW (?:CREATE USER|GRANTS FOR) (.+?)': .*\((?:1133|1141)\)$/;

/**
 * All accounts as portable SQL, by `mariadb-dump --system=users`. Alone, because only here are its two options of use:
 * `--insert-ignore`, with which an account that exists at the import's target is no error, and `--force`.
 */
export async function dumpAccounts(
  optionFile: string,
  ofPlugins: readonly PluginAccount[],
  signal: AbortSignal,
): Promise<DumpedAccounts> {
  const args = [`--defaults-file=${optionFile}`, '--system=users', '--insert-ignore', '--force'];
  const lines: string[] = [];
  const command = startCommand(
    { path: findTool('mariadb-dump'), args, diesWithUs: true },
    { signal, onStderrLine: (line) => lines.push(line) },
  );
  const output = command.stdout === null ? Promise.resolve('') : text(command.stdout).catch(() => '');
  const exit = await command.exit;
  if (signal.aborted) throw new SkybackupError('cancelled', 'The accounts were not read because of a cancel.');
  const leftOut = new Set(lines.flatMap((line) => ignoredAccount.exec(line)?.[1] ?? []));
  const others = lines.filter((line) => line.trim() !== '' && !ignoredAccount.test(line));
  // With --force it goes on after an error, and ends with the error's code all the same.
  const ended = exit.signal === null && (exit.code === 0 || leftOut.size > 0);
  if (!ended || others.length > 0) throw dumpFailure(exit, others);
  const sql = await output;
  if (!endsCompleted(sql)) throw dumpFailure(exit, ['the accounts were cut short']);
  return { sql: importable(sql, leftOut, ofPlugins), leftOut: [...leftOut] };
}

/**
 * Without the default roles of accounts that are left out, where the import would end; and without "none", which is what
 * every new account has, and which the server refuses for one that it ignores.
 */
function importable(sql: string, leftOut: ReadonlySet<string>, ofPlugins: readonly PluginAccount[]): string {
  const lines = sql.split('\n').filter((line) => {
    const [, role, account = ''] = /^\/\*M!100005 SET DEFAULT ROLE (.+) FOR (.+) \*\/;$/.exec(line) ?? [];
    return role === undefined || (role !== 'NONE' && !leftOut.has(account));
  });
  return lines
    .map(grantAlone)
    .map((line) => createdEitherWay(line, ofPlugins))
    .join('\n');
}

const grant = /^(GRANT .+ TO `(?:[^`]|``)*`@`(?:[^`]|``)*`)( .*);$/;

/**
 * A grant without the password that the server writes into it: CREATE USER IF NOT EXISTS has given it to a new account
 * already, and an account that exists where the dump is imported would get another than its owner knows.
 */
export function grantAlone(line: string): string {
  const [, granted, rest = ''] = grant.exec(line) ?? [];
  if (granted === undefined) return line;
  const words = rest.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, '');
  const option = /\bWITH (GRANT|ADMIN) OPTION\b/.exec(words)?.[0];
  return `${granted}${option === undefined ? '' : ` ${option}`};`;
}
