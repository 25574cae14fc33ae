import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { homeOf } from '../../contract/home.ts';
import { systemClock } from '../clock.ts';
import { JobRunner } from '../jobs/job-runner.ts';
import { openRepository } from '../repository/open.ts';
import { localDirectory } from '../storage/local-directory.ts';
import { Storages } from '../storages/storages.ts';
import { openState } from '../store/state-store.ts';
import { RetentionTimer } from './retention-timer.ts';

it('lets requests through between the services whose pass is due, and stops between them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'skb-retention-'));
  const state = openState(join(root, 'state.db'));
  try {
    const ids = Array.from({ length: 30 }, (_, number) => `svc-${number}`);
    for (const id of ids) {
      const service = { id, name: id, control: { kind: 'none' as const }, connection: { socket: '/s' } };
      state.services.add({ ...service, datadir: undefined, incarnation: 'one', created_at: new Date().toISOString() });
    }
    const passed = (): number => ids.filter((id) => state.retention.get(id)?.last_pass_at !== undefined).length;
    const home = homeOf({ SKYBACKUP_HOME: root });
    const timer = new RetentionTimer({
      home,
      state,
      storages: new Storages({ home, state, clock: systemClock }),
      repository: openRepository(localDirectory(join(root, 'repository'))),
      jobs: new JobRunner(state),
      clock: systemClock,
      log: () => undefined,
      startedBy: 'person',
      parallel: 1,
    });
    timer.start();
    while (passed() === 0) await new Promise(setImmediate);
    const soFar = passed();
    expect(soFar).toBeLessThan(ids.length);
    await timer.stop();
    expect(passed()).toBeLessThanOrEqual(soFar + 1);
  } finally {
    state.close();
    rmSync(root, { recursive: true, force: true });
  }
});
