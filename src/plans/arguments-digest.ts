/**
 * JSON with sorted keys and without undefined members: equal values give equal text, whatever order they were built in.
 * Throws a TypeError for what JSON cannot hold exactly (NaN, functions, bigint), so that two different things never look alike.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no place in JSON`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`a ${typeof value} has no place in JSON`);
}

/** SHA-256, in hex, of a value's canonical JSON: what plans compare arguments and targets by. */
export function digestOf(value: unknown): string {
  // Loaded when the first plan is made: a server that is only probed shall start fast.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
