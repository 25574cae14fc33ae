import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let backup: string;
beforeAll(async () => {
  daemon = await startDaemon();
  await managedScene(daemon, 'orders');
  backup = await takeBackup(daemon, 'orders');
});
afterAll(() => daemon.dispose());

/** Makes the service `killed` of the backup and tells how that ended. */
async function copy(): Promise<string> {
  const asked = await daemon.api.createRestore({
    target: 'new',
    backup_id: backup,
    service_id: 'killed',
    tables: ['shop.*'],
  });
  return (await daemon.ended(asked.job_id ?? 0)).status;
}

const folders = (): string[] => readdirSync(daemon.home.services).sort();

describe('a daemon that is killed while it makes a new service', () => {
  it.each(['materialising', 'choosing', 'registering'])(
    'in the phase %s leaves no folder and no process',
    async (phase) => {
      const before = folders();
      const running = daemon.processes().sort();
      await daemon.stop();
      daemon = await daemon.restart({ sabotage: { act: 'kill', at: `restore:${phase}` } });
      await copy().catch(() => undefined);
      expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
      // As one that is killed before the mark is written, or while it deletes, would leave them.
      for (const left of ['.new-killed', '.removing-killed']) mkdirSync(join(daemon.home.services, left));
      daemon = await daemon.restart();
      expect(folders()).toEqual(before);
      expect(existsSync(join(daemon.home.services, 'killed'))).toBe(false);
      await expect.poll(() => daemon.processes().sort()).toEqual(running);
      const [restore] = (await daemon.api.listRestores({ order: 'desc' })).items;
      expect(restore).toMatchObject({ service_id: 'killed', status: 'Failed', target: 'new' });
      expect((await daemon.api.daemon.getJob(restore?.job_id ?? 0)).status).toBe('Failed');
    },
  );

  it('and the same can be asked again', async () => {
    expect(await copy()).toBe('Succeeded');
  });
});
