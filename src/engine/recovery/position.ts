import { formatGtids, type Gtid, parseGtids } from '../mariadb/gtid.ts';

/** How far a log had come: the newest transaction of each domain. */
export type Position = ReadonlyMap<number, Gtid>;

/** Of a GTID list or state; within a domain the last one named is its newest. */
export function readPosition(gtids: string): Position {
  return new Map(parseGtids(gtids).map((gtid) => [gtid.domain, gtid]));
}

export function formatPosition(position: Position): string {
  return formatGtids([...position.values()].sort((a, b) => a.domain - b.domain));
}

/** Whether a position holds a transaction: its domain has come as far. */
export function holds(position: Position, { domain, sequence }: Pick<Gtid, 'domain' | 'sequence'>): boolean {
  const newest = position.get(domain);
  return newest !== undefined && newest.sequence >= sequence;
}

/**
 * Whether `whole` has come as far as `part`, in the domains that it knows. One that it does not know was deleted from the
 * server's state (FLUSH BINARY LOGS DELETE_DOMAIN_ID): whoever asks knows by the log's name that both are of one history.
 */
export function reaches(whole: Position, part: Position): boolean {
  return [...part.values()].every((gtid) => !whole.has(gtid.domain) || holds(whole, gtid));
}
