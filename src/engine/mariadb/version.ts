/** `10.11` of `10.11.19-MariaDB-log`: within a series, files and tools fit each other. */
export function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** `10.11.19` of `10.11.19-MariaDB-log`: what follows tells of options, not of the program. */
export function releaseOf(version: string): string {
  return /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? version;
}
