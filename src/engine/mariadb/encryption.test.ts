import { describe, expect, it } from 'vitest';
import type { SqlConnection } from './connect.ts';
import { encryptedParts } from './encryption.ts';

// The key plugins come with the full server package only, so the server's answers are given here.
const answering = (names: string[]) =>
  ({ query: () => Promise.resolve(names.map((name) => ({ name }))) }) as unknown as SqlConnection;

describe('encryption at rest', () => {
  const off = { innodb_encrypt_log: 'OFF', innodb_encrypt_tables: 'OFF', aria_encrypt_tables: 'OFF' };

  it('is found in single tablespaces and in each setting', async () => {
    expect(await encryptedParts(answering([]), off)).toEqual([]);
    expect(await encryptedParts(answering(['shop/secrets']), off)).toEqual(['tablespace shop/secrets']);
    expect(await encryptedParts(answering([]), { ...off, innodb_encrypt_log: 'ON' })).toEqual(['innodb_encrypt_log']);
    expect(await encryptedParts(answering([]), { ...off, innodb_encrypt_tables: 'FORCE' })).toEqual([
      'innodb_encrypt_tables',
    ]);
    expect(await encryptedParts(answering([]), { ...off, aria_encrypt_tables: 'ON' })).toEqual(['aria_encrypt_tables']);
  });
});
