/** The name of a table as SQL wants it, whatever characters are in it. */
export function quoted(schema: string, name: string): string {
  return [schema, name].map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');
}
