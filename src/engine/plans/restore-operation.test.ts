import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openState, type StateStore } from '../store/state-store.ts';
import { restoreOperation } from './restore-operation.ts';

let folder: string;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-recheck-'));
  state = openState(join(folder, 'state.db'), Date.now);
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

test('what a restore names is looked for again at once: a promise would end the transaction before it', () => {
  const id = `${'a'.repeat(32)}:orders:orders-0`;
  const recheck = (more: Record<string, unknown> = {}) =>
    restoreOperation.recheck?.({ state }, { service_id: 'orders', id, ...more });
  expect(recheck).toThrow('no service "orders"');
  state.services.add({
    id: 'orders',
    name: 'orders',
    control: { kind: 'managed' },
    connection: { socket: '/tmp/s' },
    datadir: '/srv/data',
    incarnation: 'i',
    created_at: '2026-01-01T00:00:00Z',
  });
  expect(recheck).toThrow(`no backup "${id}"`);
  const external_source = { bucket: 's3://bucket/', method: 'mariabackup' };
  expect(() => recheck({ id: 'backup.tar.gz', external_source })).not.toThrow();
});
