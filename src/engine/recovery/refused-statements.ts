import { SkybackupError } from '../../contract/errors.ts';

/** What a logged statement must not do on a private server, and how it is said. */
const refused: readonly [pattern: RegExp, why: string][] = [
  [/\b(DATA|INDEX)\s+DIRECTORY\b/i, 'places a table outside the data directory (DATA DIRECTORY)'],
  [/\bENGINE\s*=?\s*[`"']?(FEDERATED|FEDERATEDX|SPIDER|CONNECT)\b/i, 'uses an engine that reaches other servers'],
];

/**
 * Throws `unsupported` for a statement of a log that may not be replayed. Only what defines tables can do such things; the
 * text of others is of no interest, and may hold anything.
 */
export function refuseStatement(text: string, database: string, gtid: string): void {
  // Most of what is long is rows: its beginning tells.
  const beginning = withoutTexts(text.slice(0, 4096));
  if (beginning.trim() !== '' && !/^\s*(CREATE|ALTER|LOAD)\b/i.test(beginning)) return;
  const statement = withoutTexts(text.slice(0, longestLookedAt));
  // Their file comes with events of its own. In a statement's own words the file would be one of this machine.
  if (/^\s*LOAD\s+(DATA|XML)\b/i.test(statement)) throw refusal(gtid, database, 'loads a file of the server');
  if (!/^\s*(CREATE|ALTER)\b/i.test(statement)) return;
  for (const [pattern, why] of refused) if (pattern.test(statement)) throw refusal(gtid, database, why);
}

/** No definition of a table is longer. */
const longestLookedAt = 16 * 1024 * 1024;

function refusal(gtid: string, database: string, why: string): SkybackupError {
  return new SkybackupError(
    'unsupported',
    `Transaction ${gtid} in the binary logs (database ${database || 'none'}) ${why}, which is not done in a restore.`,
    { hint: `Restore to a moment before it (before_gtid ${gtid}).`, details: { gtid } },
  );
}

/**
 * A statement without its texts and ordinary comments, in which any word may stand. What is within executable comments
 * counts: partitions are written so. Names in quotes are kept, since an engine may be given as one.
 */
export function withoutTexts(sql: string): string {
  const part =
    /(ENGINE\s*=?\s*)(['"`]\w+['"`])|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`|\/\*(?!M?!)[\s\S]*?\*\/|\/\*M?!\d*|\*\/|--[ \t][^\n]*|#[^\n]*/gi;
  return sql.replace(part, (_all, engine: string | undefined, name: string | undefined) =>
    engine === undefined ? ' ' : `${engine}${name}`,
  );
}
