import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Rolldown } from 'tsdown';

/**
 * Makes one HTML file of a page: its style sheets and its bundled script are put where the sources link to them. The page itself
 * says which script and which styles those are, by their hashes: nothing that got into it from outside could run or load anything,
 * whatever the host allows.
 */
export function oneFilePage(name: string, html: string): Rolldown.Plugin {
  return {
    name: 'one-file-page',
    generateBundle(_options, bundle) {
      const [chunk, ...others] = Object.values(bundle);
      if (chunk?.type !== 'chunk' || others.length > 0) throw new Error(`${html} did not come out as one script`);
      delete bundle[chunk.fileName];
      this.emitFile({ type: 'asset', fileName: `apps/${name}.html`, source: page(html, chunk.code) });
    },
  };
}

function page(file: string, code: string): string {
  // What would end the element, or change how it is read, inside a string of the script.
  const script = code.trim().replaceAll(/<(?=\/script|!--|script)/gi, '\\x3C');
  const styles: string[] = [];
  const html = readFileSync(file, 'utf8')
    .replaceAll(/<link rel="stylesheet" href="([^"]+)" \/>\s*/g, (_link, href: string) => {
      const style = readFileSync(join(dirname(file), href), 'utf8');
      styles.push(style);
      return `<style>${style}</style>\n`;
    })
    .replace(/<script type="module" src="[^"]+"><\/script>/, () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${styles.map(hashOf).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // Before all else: a policy holds from where it stands.
  return html.replace('<head>', () => `<head>\n<meta http-equiv="Content-Security-Policy" content="${policy}" />`);
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
