/** The name of a table as SQL wants it, whatever characters are in it. */
export function quoted(schema: string, name: string): string {
  return `${quotedName(schema)}.${quotedName(name)}`;
}

/** One name as SQL wants it. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
