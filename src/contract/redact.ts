/**
 * The one place where secrets are taken out of text before it reaches a message, a log, an answer or an audit line.
 * Known secrets are registered when they are read (settings, key files, password files); patterns catch the rest.
 */
const known = new Set<string>();

const patterns: [RegExp, string][] = [
  [/(\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi, '$1[redacted]'],
  [/(\bX-API-Key["':\s=]+)[^\s"',}]{4,}/gi, '$1[redacted]'],
  [/\bskb_[A-Za-z0-9_-]{16,}/g, '[redacted]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[redacted]'],
  [/\bAGE-SECRET-KEY-1[A-Z0-9]+/g, '[redacted]'],
  [/(\baws_(?:secret_access_key|session_token)\s*=\s*)\S+/gi, '$1[redacted]'],
  [/((?:\bIDENTIFIED\s+(?:BY|VIA\s+\w+\s+(?:USING|AS))(?:\s+PASSWORD)?)\s+)'(?:[^'\\]|\\.|'')*'/gi, "$1'[redacted]'"],
  [
    /(["']?\b(?:password|passwd|secret|credentials|encryption_key|api_key|apikey)\b["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;}&]+)/gi,
    '$1[redacted]',
  ],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:)[^\s/@]+@/gi, '$1[redacted]@'],
];

/** Whether any of them may be in a text, whatever its letters' case: one look instead of many, since most texts hold none. */
const suspicious = new RegExp(patterns.map(([{ source }]) => `(?:${source})`).join('|'), 'i');

/**
 * Remembers a secret's value so that `redact` takes it out wherever it turns up, also as servers like to echo it:
 * percent-encoded, in base64, as JSON writes it. Values under six characters are ignored.
 */
export function registerSecret(value: string | undefined): void {
  const trimmed = value?.trim().toWellFormed();
  if (trimmed === undefined || trimmed.length < 6) return;
  known.add(trimmed);
  known.add(encodeURIComponent(trimmed));
  known.add(Buffer.from(trimmed).toString('base64').replace(/=+$/, ''));
  known.add(JSON.stringify(trimmed).slice(1, -1));
}

/** Text with every known secret and everything that looks like one replaced by `[redacted]`. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of known) clean = clean.replaceAll(secret, '[redacted]');
  if (!suspicious.test(clean)) return clean;
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}
