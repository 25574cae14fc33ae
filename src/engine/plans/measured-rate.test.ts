import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openState, type StateStore } from '../store/state-store.ts';
import { estimatedSeconds } from './measured-rate.ts';

const gigabyte = 1024 ** 3;
let folder: string;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-rate-'));
  state = openState(join(folder, 'state.db'));
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function verified(bytes: number, seconds: number): void {
  const backup_id = `${'a'.repeat(32)}:orders:orders-0`;
  const { id } = state.verifications.add({
    service_id: 'orders',
    backup_id,
    job_id: 1,
    schedule_id: undefined,
    checks: {},
    message: '',
  });
  const phases = [
    { phase: 'materialising', seconds, bytes },
    { phase: 'proving', seconds: 1 },
  ];
  state.verifications.end(id, { status: 'Succeeded', message: '', recovery_ms: seconds * 1000, phases });
}

it('grows with the size, on a guess until something was measured', () => {
  expect(estimatedSeconds({ state }, 0)).toBe(5);
  expect(estimatedSeconds({ state }, 6 * gigabyte)).toBe(108);
});

it('goes by what was measured last, and not by what was too small to tell', () => {
  verified(gigabyte, 105);
  verified(gigabyte, 105);
  verified(1024, 60);
  expect(estimatedSeconds({ state }, 2 * gigabyte)).toBe(205);
});
