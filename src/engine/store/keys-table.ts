import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { optional, time } from './rows.ts';

const KeyRow = z.object({
  id: z.string(),
  secret_hash: z.string(),
  role: z.string(),
  name: optional(z.string()),
  created_at: time,
  /** Who made it; unknown of those from before this was kept. */
  created_by: optional(z.string()),
  last_used_at: optional(time),
  revoked_at: optional(time),
});
/** A key as it may be shown: its secret is known only to whoever it was given to. */
export type KeyRow = Omit<z.infer<typeof KeyRow>, 'secret_hash'>;

/** `skb_<id>_<secret>`: the id finds the row, the secret carries 256 bits and is stored as SHA-256 only. */
const keyPattern = /^skb_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
/** `last_used_at` is for people; writing it at every request would cost an fsync each. */
const lastUsedGrainMs = 60_000;

export function keysTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    'INSERT INTO keys (id, secret_hash, role, name, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const one = db.prepare('SELECT * FROM keys WHERE id = ?');
  const all = db.prepare('SELECT * FROM keys ORDER BY created_at, id');
  const revoke = db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const used = db.prepare('UPDATE keys SET last_used_at = ? WHERE id = ?');

  const shown = (raw: unknown): KeyRow => {
    const { secret_hash: _, ...row } = KeyRow.parse(raw);
    return row;
  };
  return {
    /** The whole key is returned this once. */
    create(role: string, name: string | undefined, createdBy: string): { id: string; key: string } {
      const id = randomBytes(6).toString('hex');
      const secret = randomBytes(32).toString('base64url');
      insert.run(id, hashOf(secret), role, name ?? null, now(), createdBy);
      return { id, key: `skb_${id}_${secret}` };
    },
    list: (): KeyRow[] => all.all().map(shown),
    get(id: string): KeyRow | undefined {
      const row = one.get(id);
      return row && shown(row);
    },
    /** Whether a key (`key:<id>`) was made by another, or by one that this one made. */
    isMadeBy(key: string, maker: string): boolean {
      for (let at: string | undefined = key; at?.startsWith('key:'); ) {
        const row: unknown = one.get(at.slice('key:'.length));
        at = row === undefined ? undefined : KeyRow.parse(row).created_by;
        if (at === maker) return true;
      }
      return false;
    },
    /** False when there is no such key, or it was revoked before. */
    revoke: (id: string): boolean => revoke.run(now(), id).changes === 1,
    /** The living key that this text is; compared in constant time. */
    find(key: string): KeyRow | undefined {
      const [, id = '', secret = ''] = keyPattern.exec(key) ?? [];
      const raw = one.get(id);
      const row = raw && KeyRow.parse(raw);
      // Unknown ids are compared too, so that time tells nothing about which ids exist.
      const same = timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(row?.secret_hash ?? hashOf('')));
      if (row === undefined || !same || row.revoked_at !== undefined) return undefined;
      if (now() - (row.last_used_at?.getTime() ?? 0) >= lastUsedGrainMs) used.run(now(), id);
      return shown(raw);
    },
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
