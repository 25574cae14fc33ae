import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { objectKeyOf, sampleManifest } from '../../../test/engine/repository/sample-manifest.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { RestoreSource } from '../restore/source.ts';
import { openState } from '../store/state-store.ts';
import { estimateSeconds, ratesOf } from './kinds-of-work.ts';
import type { MeasuredPhase } from './measured-phases.ts';

const mebibyte = 1024 * 1024;

function backup(mebibytes: number, change: Partial<Manifest> = {}): Manifest {
  const id = `${'1'.repeat(32)}:orders:orders-0`;
  const object = { key: objectKeyOf(id), bytes: 1, block_bytes: 1, blocks: ['x'] };
  return { ...sampleManifest(id, object), disk_bytes: mebibytes * mebibyte, ...change };
}

const full = (mebibytes: number): RestoreSource => ({ backups: [backup(mebibytes)] });
const phases = (seconds: Record<string, number>): MeasuredPhase[] =>
  Object.entries(seconds).map(([phase, each]) => ({ phase, seconds: each }));

const folder = mkdtempSync(join(tmpdir(), 'skb-rates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('estimates', () => {
  it('are guesses until something was measured, and then follow what was', () => {
    const state = openState(join(folder, 'state.db'));
    const estimate = (source: RestoreSource): number => estimateSeconds(source, state.rates.of);
    const measure = (source: RestoreSource, seconds: Record<string, number>): void => {
      for (const { work, bytes, seconds: took } of ratesOf(source, phases(seconds))) state.rates.add(work, bytes, took);
    };
    const guessed = estimate(full(10_000));
    expect(guessed).toBeGreaterThan(60);
    measure(full(10_000), { checking: 1, materialising: 1000, preparing: 500, proving: 101, swapping: 7 });
    const slow = estimate(full(10_000));
    expect(slow).toBeGreaterThan(1595);
    expect(slow).toBeLessThan(1605);
    // Twice the bytes, twice the time; one slow small restore changes little, many fast large ones much.
    expect(estimate(full(20_000))).toBeGreaterThan(1.95 * slow);
    measure(full(1), { materialising: 20, preparing: 20, proving: 20 });
    expect(Math.abs(estimate(full(10_000)) - slow)).toBeLessThan(slow / 5);
    for (let i = 0; i < 10; i += 1) measure(full(10_000), { materialising: 100, preparing: 50, proving: 11 });
    expect(estimate(full(10_000))).toBeLessThan(250);
    // Nobody has imported a dump yet.
    const dump: RestoreSource = { backups: [backup(1000, { type: 'dump', method: 'mariadb-dump', lsn: null })] };
    expect(estimate(dump)).toBeGreaterThan(estimate(full(1000)));
    measure(dump, { materialising: 5000, proving: 10 });
    expect(estimate(dump)).toBeGreaterThan(5000);
    state.close();
  });

  it('count each backup of a chain', () => {
    const chain: RestoreSource = { backups: [backup(1000), backup(1000, { type: 'incremental' })] };
    expect(estimateSeconds(chain, () => undefined)).toBeGreaterThan(estimateSeconds(full(1000), () => undefined));
  });

  it('grow with the bytes and shrink with the rate, whatever these are', () => {
    const size = fc.integer({ min: 1, max: 10_000_000 });
    const rate = fc.integer({ min: 1, max: 1_000_000_000 });
    fc.assert(
      fc.property(size, size, rate, rate, (some, more, slow, faster) => {
        const at = (mebibytes: number, perSecond: number) => estimateSeconds(full(mebibytes), () => perSecond);
        expect(at(some + more, slow)).toBeGreaterThanOrEqual(at(some, slow));
        expect(at(some, slow + faster)).toBeLessThanOrEqual(at(some, slow));
        expect(Number.isSafeInteger(at(some, slow))).toBe(true);
      }),
    );
  });
});
