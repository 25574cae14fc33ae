import { SkybackupError } from '../../contract/errors.ts';

/** Of the files beside the schemas, those that a backup is made of; all else there could tell a server what to do. */
const ofBackups = /^(?:ib\w*|undo\d+|aria_log_control|aria_log\.\d+|xtrabackup_\w+|mariadb_backup_\w+|backup-my\.cnf)$/;
const compressed = /\.(?:qp|gz|zst|lz4|xbcrypt)$/;
/** More than any server has files; each costs memory here, and an entry of the file system there. */
const mostFiles = 1_000_000;

/**
 * The names of what is unpacked, each checked before it is written: it lies in the data or in a schema of theirs, and comes
 * once. A folder that everything lies in is taken off. Throws `unsupported` naming what is refused.
 */
export class MemberNames {
  readonly #url: string;
  readonly #seen = new Set<string>();
  /** What everything lies in: empty, or ending in `/`. */
  #root: string | undefined;
  /** Files that are no part of a backup: they are not written. */
  readonly leftOut: string[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** Where a file goes, or undefined for one that is left out. */
  add(name: string): string | undefined {
    const path = this.#within(name);
    if (this.#seen.has(path)) throw this.refused(name, 'comes twice');
    if (this.#seen.size === mostFiles) throw this.refused(name, `is one file more than ${mostFiles}`);
    this.#seen.add(path);
    if (path.includes('/') || ofBackups.test(path)) return path;
    this.leftOut.push(path);
    return undefined;
  }

  /** A file that was written is renamed or removed by the stream itself: tables came and went while it was taken. */
  forget(name: string): string {
    const path = this.#within(name);
    this.#seen.delete(path);
    return path;
  }

  /** Of a folder only that it is no trick. */
  checkFolder(name: string): void {
    this.#partsOf(name);
  }

  refused(name: string, why: string): SkybackupError {
    const shown = name.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
    return new SkybackupError('unsupported', `${this.#url} is refused: "${shown}" in it ${why}.`, {
      hint: 'Nothing was replaced. Look at where it comes from: a backup of mariadb-backup holds no such thing.',
    });
  }

  #within(name: string): string {
    const parts = this.#partsOf(name);
    this.#root ??= rootOf(parts);
    const whole = parts.join('/');
    if (!whole.startsWith(this.#root)) throw this.refused(name, `lies outside of the folder ${this.#root}`);
    const path = whole.slice(this.#root.length);
    const [schema = '', ...below] = path.split('/');
    if (path.endsWith('.isl')) throw this.refused(name, 'puts a table outside of the data');
    if (compressed.test(path)) {
      throw this.refused(name, 'is compressed by itself (mariadb-backup --compress): decompress it there first');
    }
    if (below.length > 0 && /^#(?:rocksdb|innodb)/.test(schema)) {
      throw this.refused(name, schema === '#rocksdb' ? 'is of RocksDB' : 'is of MySQL, not of MariaDB');
    }
    if (below.length > 1 || path === '') throw this.refused(name, 'is no file of the data or of a schema');
    return path;
  }

  #partsOf(name: string): string[] {
    if (name.startsWith('/')) throw this.refused(name, 'is an absolute path');
    const hasControl = [...name].some((letter) => letter < ' ' || letter === '\u007f' || letter === '\\');
    if (hasControl || name.length > 480) throw this.refused(name, 'is no name of a file of a server');
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw this.refused(name, 'leads out of the data');
    return parts;
  }
}

/** By the first file: one that lies beside the schemas tells, or one that lies deeper than tables do. */
function rootOf(parts: readonly string[]): string {
  const depth = ofBackups.test(parts.at(-1) ?? '') ? parts.length - 1 : Math.max(0, parts.length - 2);
  return parts
    .slice(0, depth)
    .map((part) => `${part}/`)
    .join('');
}
