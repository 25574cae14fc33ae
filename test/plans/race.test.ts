import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { draft } from './draft.ts';

const racers: ChildProcess[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-race-'));
});
afterEach(() => {
  for (const racer of racers.splice(0)) racer.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Starts `count` processes on the same plans at the same moment; one list of words each. */
async function race(file: string, step: 'approve' | 'claim', plans: string[], count: number): Promise<string[][]> {
  const started = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'racer.ts'), file, step, ...plans], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    racers.push(child);
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of started) expect((await lines.next()).value).toBe('ready');
  for (const { child } of started) child.stdin.write('go\n');
  const results: string[][] = [];
  for (const { child, lines } of started) {
    results.push(JSON.parse((await lines.next()).value ?? '[]') as string[]);
    if (child.exitCode === null) await once(child, 'exit');
  }
  return results;
}

it('gives each plan exactly one claimer among three processes', async () => {
  const file = join(folder, 'plans.db');
  const store = openPlanStore(file);
  const ids = Array.from({ length: 60 }, () => {
    const { id } = store.create(draft());
    store.approve(id, { channel: 'terminal', typed_id: 'orders' });
    return id;
  });
  const results = await race(file, 'claim', ids, 3);
  for (const index of ids.keys()) {
    expect(results.map((words) => words[index]).sort()).toEqual(['plan_used', 'plan_used', 'won']);
  }
  store.close();
});

it('lets one asking be answered once, though two processes bring the same nonce', async () => {
  const file = join(folder, 'plans.db');
  const store = openPlanStore(file);
  const pairs = Array.from({ length: 60 }, () => {
    const { id } = store.create(draft());
    return `${id}=${store.ask(id)}`;
  });
  const results = await race(file, 'approve', pairs, 2);
  for (const index of pairs.keys()) {
    expect(results.map((words) => words[index]).sort()).toEqual(['plan_mismatch', 'won']);
  }
  store.close();
});
