/** What comes from outside is shown up to this length. */
const longest = 600;

type Child = Node | string | undefined;

/**
 * An element with children. Strings become text, never markup: this is the only way in which anything gets into a page.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function drawing<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Record<string, string | number> = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Text of others: kept apart from ours, so that no right-to-left letters in it turn the line around. */
export function foreign(text: string, attributes: Record<string, string> = {}): HTMLElement {
  return element('bdi', attributes, text.length > longest ? `${text.slice(0, longest)}…` : text);
}

/** The element of this id that the page's HTML has. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
