/** What the first lines of a dump say of the server that it was taken from; undefined where they say nothing, or name MySQL. */
export function serverOfDump(head: string): string | undefined {
  const [, version] = /^-- Server version\s+(\S+)/m.exec(head) ?? [];
  return version !== undefined && /mariadb/i.test(version) ? version : undefined;
}

/** Whether mysqldump or mariadb-dump wrote its own comments: then it ends with one, too. */
export function endsWithMark(head: string): boolean {
  return /^-- (?:MariaDB|MySQL) dump /m.test(head);
}

/** The last transactions that a dump holds, where its head or tail notes them (--master-data --gtid). */
export function positionInDump(text: string): string | undefined {
  return /^(?:-- )?SET GLOBAL gtid_slave_pos='([\d,\s-]+)';/m.exec(text)?.[1]?.replace(/\s+/g, '');
}
