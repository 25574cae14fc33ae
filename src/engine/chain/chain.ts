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

/** The chain that ends in a backup, its full first: what a restore needs, and all of it; or the member at which it breaks. */
export type FollowedChain = { chain: ChainLink[]; broken?: never } | { chain?: never; broken: BrokenMember };

export interface BrokenMember {
  id: string;
  /** What is wrong with it, after its name. */
  words: string;
}

/** Goes from a backup back to its full. It breaks where a member is gone, of another history, or does not begin where its parent ended. */
export function followChain(last: ChainLink, find: FindLink): FollowedChain {
  const chain = [last];
  const seen = new Set([last.id]);
  for (let link = last; link.type !== 'full'; ) {
    if (link.parent === null) return broken(link, 'names no backup that it builds on');
    if (seen.has(link.parent)) return broken(link, 'builds on itself');
    const parent = find(link.parent);
    if (parent === undefined) return { broken: { id: link.parent, words: 'is no longer there' } };
    if (!continues(link, parent)) return broken(link, `does not go on from ${parent.id}`);
    seen.add(parent.id);
    chain.push(parent);
    link = parent;
  }
  const [root = last] = chain.reverse();
  if (!isRoot(root)) return broken(root, 'is no full backup that a chain can begin with');
  const stray = chain.find((link) => link !== root && link.full !== root.id);
  return stray === undefined ? { chain } : broken(stray, `names another full backup than ${root.id}`);
}

/** The chain that ends in `last`, its full first; undefined when it is not sound. */
export function soundChain(last: ChainLink, find: FindLink): ChainLink[] | undefined {
  return followChain(last, find).chain;
}

/** The sound chain of the first candidate that has one. Candidates come newest first, and are read no further than needed. */
export function newestSoundChain(newestFirst: Iterable<ChainLink>, find: FindLink): ChainLink[] | undefined {
  for (const candidate of newestFirst) {
    const chain = soundChain(candidate, find);
    if (chain !== undefined) return chain;
  }
  return undefined;
}

function broken({ id }: ChainLink, words: string): FollowedChain {
  return { broken: { id, words } };
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
