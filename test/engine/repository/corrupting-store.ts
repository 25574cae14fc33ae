import { Readable } from 'node:stream';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';

/** What happens to an object's bytes between the disk and the reader. */
export type Damage =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'truncate'; to: number }
  | { kind: 'lengthen'; by: Buffer }
  | { kind: 'swap'; first: number; second: number; bytes: number }
  | { kind: 'replace'; with: Buffer };

/** A store whose reads of `key` come back damaged: a bad disk, a bad link, a careless hand. */
export function corruptingStore(store: ObjectStore, key: string, damage: Damage, chunkBytes = 1000): ObjectStore {
  return {
    ...store,
    get: async (asked, options = {}) => {
      if (asked !== key) return store.get(asked, options);
      const { start = 0, end = Number.POSITIVE_INFINITY, ...rest } = options;
      const source = await store.get(asked, rest);
      const chunks: Buffer[] = [];
      for await (const chunk of source) chunks.push(chunk as Buffer);
      const damaged = apply(Buffer.concat(chunks), damage).subarray(start, end + 1);
      return Readable.from(
        (function* () {
          for (let at = 0; at < damaged.length; at += chunkBytes) yield damaged.subarray(at, at + chunkBytes);
        })(),
      );
    },
  };
}

function apply(bytes: Buffer, damage: Damage): Buffer {
  const copy = Buffer.from(bytes);
  switch (damage.kind) {
    case 'flip':
      copy.writeUInt8(copy.readUInt8(damage.at) ^ (1 << damage.bit), damage.at);
      return copy;
    case 'truncate':
      return copy.subarray(0, damage.to);
    case 'lengthen':
      return Buffer.concat([copy, damage.by]);
    case 'replace':
      return damage.with;
    case 'swap': {
      const { first, second, bytes: length } = damage;
      bytes.copy(copy, first, second, second + length);
      bytes.copy(copy, second, first, first + length);
      return copy;
    }
  }
}
