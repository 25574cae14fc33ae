import { formatGtids, type Gtid, parseGtids, sameGtids } from '../mariadb/gtid.ts';

/** What the server calls `gtid_binlog_state`: the last sequence of each domain and server, a domain's newest last. */
export class GtidState {
  readonly #domains = new Map<number, Map<number, bigint>>();

  add({ domain, server, sequence }: Gtid): void {
    const servers = this.#domains.get(domain) ?? new Map<number, bigint>();
    // Taken out first, so that it comes last.
    servers.delete(server);
    servers.set(server, sequence);
    this.#domains.set(domain, servers);
  }

  toString(): string {
    const domains = [...this.#domains].sort(([a], [b]) => a - b);
    return formatGtids(
      domains.flatMap(([domain, servers]) => [...servers].map(([server, sequence]) => ({ domain, server, sequence }))),
    );
  }
}

/** The newest of each domain of a state: what `gtid_binlog_pos` shows, and a replay starts from. */
export function positionOf(state: string): string {
  const newest = new Map<number, Gtid>();
  for (const gtid of parseGtids(state)) newest.set(gtid.domain, gtid);
  return formatGtids([...newest.values()]);
}

/**
 * Whether a log that begins with state `head` goes on where one ended with `end`. A domain may be missing that was deleted
 * (`FLUSH BINARY LOGS DELETE_DOMAIN_ID`), but not all: that is what RESET MASTER leaves.
 */
export function goesOn(end: string, head: string): boolean {
  if (sameGtids(end, head)) return true;
  const begun = parseGtids(head);
  if (begun.length === 0) return false;
  const domains = new Set(begun.map(({ domain }) => domain));
  const kept = parseGtids(end).filter(({ domain }) => domains.has(domain));
  return sameGtids(formatGtids(kept), head);
}
