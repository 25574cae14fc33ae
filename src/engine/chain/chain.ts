/** What a published backup says of its place in a chain. LSNs are decimal text: they pass 2^53. */
export interface ChainLink {
  id: string;
  service_id: string;
  type: string;
  incarnation: string;
  /** The server's version; a chain never crosses a change of it. */
  version: string;
  parent: string | null;
  full: string | null;
  lsn: { from: string; to: string } | null;
}

/** A published backup by its id; undefined when there is none. */
export type FindLink = (id: string) => ChainLink | undefined;

/**
 * The chain that ends in `last`, its full first: what a restore needs, and all of it. Undefined when `last` has none that is
 * sound: a member is gone, of another service, incarnation or version, or does not begin where its parent ended.
 */
export function soundChain(last: ChainLink, find: FindLink): ChainLink[] | undefined {
  const chain = [last];
  const seen = new Set([last.id]);
  for (let link = last; link.type !== 'full'; ) {
    const parent = link.parent === null || seen.has(link.parent) ? undefined : find(link.parent);
    if (parent === undefined || !continues(link, parent)) return undefined;
    seen.add(parent.id);
    chain.push(parent);
    link = parent;
  }
  const [root] = chain.reverse();
  if (root === undefined || !isRoot(root)) return undefined;
  return chain.every((link) => link === root || link.full === root.id) ? chain : undefined;
}

/** The sound chain of the first candidate that has one. Candidates come newest first, and are read no further than needed. */
export function newestSoundChain(newestFirst: Iterable<ChainLink>, find: FindLink): ChainLink[] | undefined {
  for (const candidate of newestFirst) {
    const chain = soundChain(candidate, find);
    if (chain !== undefined) return chain;
  }
  return undefined;
}

function isRoot({ parent, full, lsn }: ChainLink): boolean {
  return parent === null && full === null && lsn !== null && lsn.from === '0' && ordered(lsn);
}

function continues(link: ChainLink, parent: ChainLink): boolean {
  return (
    link.type === 'incremental' &&
    link.service_id === parent.service_id &&
    link.incarnation === parent.incarnation &&
    link.version === parent.version &&
    link.lsn !== null &&
    link.lsn.from === parent.lsn?.to &&
    ordered(link.lsn)
  );
}

function ordered({ from, to }: { from: string; to: string }): boolean {
  return BigInt(to) >= BigInt(from);
}
