/**
 * Options that the files themselves ask for, with what a value may look like. Everything else of the source's
 * configuration is left behind: paths, plugins and networks of another machine have no business in a restore.
 */
const allowed: Readonly<Record<string, RegExp>> = {
  innodb_page_size: /^(4096|8192|16384|32768|65536)$/,
  // Relative names only: an absolute one would open another server's files.
  innodb_data_file_path:
    /^[A-Za-z0-9_-]+:\d+[KMG]?(:autoextend(:max:\d+[KMG]?)?)?(;[A-Za-z0-9_-]+:\d+[KMG]?(:autoextend(:max:\d+[KMG]?)?)?)*$/,
  innodb_undo_tablespaces: /^\d{1,3}$/,
  innodb_checksum_algorithm: /^(crc32|full_crc32|strict_crc32|strict_full_crc32)$/,
  lower_case_table_names: /^[012]$/,
  character_set_server: /^[a-z0-9_]{2,40}$/,
  collation_server: /^[a-z0-9_]{2,60}$/,
  aria_block_size: /^(1024|2048|4096|8192|16384|32768)$/,
};

/** The part of a server's options that its files need, names with underscores; all else is dropped. */
export function fileOptions(options: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    const key = name.replaceAll('-', '_');
    if (allowed[key]?.test(value)) kept[key] = value;
  }
  return kept;
}

/** `fileOptions` as arguments of mariadbd. */
export function fileOptionArguments(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(fileOptions(options)).map(([name, value]) => `--${name.replaceAll('_', '-')}=${value}`);
}

/** Those of them that `mariadb-backup --prepare` takes; with --no-defaults it does not read the backup's own option file. */
export function prepareArguments(options: Readonly<Record<string, string>>): string[] {
  const taken = /^--innodb-(page-size|data-file-path|undo-tablespaces|checksum-algorithm)=/;
  return fileOptionArguments(options).filter((argument) => taken.test(argument));
}
