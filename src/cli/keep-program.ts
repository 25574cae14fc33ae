import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Keeps the built program in memory, whole: a daemon outlives the client that started it, whose package may be cleaned away or
 * replaced meanwhile, and parts of the program (the libraries of buckets) are loaded only when they are needed.
 */
export function keepProgram(entry: string): void {
  const kept = new Map<string, string>();
  const waiting = [pathToFileURL(entry).href];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (kept.has(url)) continue;
    const source = readFileSync(new URL(url), 'utf8');
    kept.set(url, source);
    for (const [, file = ''] of source.matchAll(/(?:from|import)\s*\(?\s*["'](\.\/[^"']+\.js)["']/g))
      waiting.push(new URL(file, url).href);
  }
  registerHooks({
    resolve(specifier, context, next) {
      const url = specifier.startsWith('./') ? URL.parse(specifier, context.parentURL)?.href : undefined;
      return url !== undefined && kept.has(url)
        ? { url, format: 'module', shortCircuit: true }
        : next(specifier, context);
    },
    load(url, context, next) {
      const source = kept.get(url);
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
}
