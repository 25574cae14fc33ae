import { createHash, randomBytes, randomInt } from 'node:crypto';

/** No 0/O, 1/I/L: a code is read from one screen and typed at another. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

/** Whoever holds it may ask to carry the plan out in `host` mode, so it carries 160 bits. */
export function newPlanId(): string {
  return `pln_${randomBytes(20).toString('base64url')}`;
}

/** `K7QM-29XD`: names a plan to a person for ten minutes; it opens nothing by itself. */
export function newPlanCode(): string {
  const text = Array.from({ length: 8 }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** The code as it is stored, from what a person typed: any case, with or without dash and spaces. */
export function normalCode(typed: string): string | undefined {
  const text = typed.toUpperCase().replace(/[\s-]/g, '');
  return text.length === 8 && [...text].every((letter) => alphabet.includes(letter))
    ? `${text.slice(0, 4)}-${text.slice(4)}`
    : undefined;
}

export function newNonce(): string {
  return randomBytes(32).toString('base64url');
}

/** Only the hash is stored: a reader of the file must not be able to answer for the person. */
export function nonceHash(nonce: string): string {
  return createHash('sha256').update(nonce).digest('hex');
}
