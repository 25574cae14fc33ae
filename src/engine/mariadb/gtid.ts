/** One global transaction id: `domain-server-sequence`. Sequences pass 2^53, so they are bigints. */
export interface Gtid {
  domain: number;
  server: number;
  sequence: bigint;
}

/** Parses a comma-separated GTID list; blanks and empty text are fine. Throws on anything that is no GTID. */
export function parseGtids(text: string): Gtid[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/.exec(part);
      if (match === null) throw new RangeError(`not a GTID: ${part.slice(0, 60)}`);
      return { domain: Number(match[1]), server: Number(match[2]), sequence: BigInt(match[3] ?? '0') };
    });
}

export function formatGtids(gtids: readonly Gtid[]): string {
  return gtids.map((gtid) => `${gtid.domain}-${gtid.server}-${gtid.sequence}`).join(',');
}

/**
 * The highest sequence per domain and server over all lists, as text for `gtid_binlog_state`. Within a domain the highest
 * comes last: the server takes the last one of a domain as its newest.
 */
export function highestGtids(...lists: string[]): string {
  const highest = new Map<string, Gtid>();
  for (const gtid of lists.flatMap(parseGtids)) {
    const key = `${gtid.domain}-${gtid.server}`;
    const known = highest.get(key);
    if (known === undefined || gtid.sequence > known.sequence) highest.set(key, gtid);
  }
  return formatGtids(
    [...highest.values()].sort(
      (a, b) => a.domain - b.domain || (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0),
    ),
  );
}

/** Whether two lists name the same transactions, whatever their order. */
export function sameGtids(one: string, other: string): boolean {
  const canonical = (text: string) =>
    parseGtids(text)
      .map((gtid) => formatGtids([gtid]))
      .sort()
      .join(',');
  return canonical(one) === canonical(other);
}

/** Whether every transaction of `part` is at or below the same domain and server's sequence in `whole`. */
export function containsGtids(whole: string, part: string): boolean {
  const known = parseGtids(whole);
  return parseGtids(part).every((gtid) =>
    known.some((k) => k.domain === gtid.domain && k.server === gtid.server && k.sequence >= gtid.sequence),
  );
}
