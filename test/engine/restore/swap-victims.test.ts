import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  identify,
  type ProcessIdentity,
  processesWorkingIn,
  signalProcess,
  waitUntilGone,
} from '../../../src/engine/mariadb/process-identity.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import type { SwapStep } from '../../../src/engine/restore/journal.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { mountedScene, type OutsideScene, outsideScene } from './outside-scene.ts';
import { testJob } from './sample-backup.ts';
import type { Checksums } from './scene.ts';

const layouts = {
  'an ordinary folder': () => outsideScene('command'),
  'a mount point': () => mountedScene('command'),
};

describe.each(['an ordinary folder', 'a mount point'] as const)('the data directory is %s', (layout) => {
  let scene: OutsideScene;
  let old: Checksums;
  beforeAll(async () => {
    scene = await layouts[layout]();
  });
  afterAll(() => scene.dispose());
  beforeEach(async () => {
    old = await scene.damage();
  });

  /** Old or new, complete: what a restore during which something was killed leaves, by whether it says that it worked. */
  async function restoreWhile(kill: (step: SwapStep) => Promise<void>): Promise<void> {
    const ended = await restoreBackup(scene.input(), testJob(), { afterStep: kill }).then(
      () => scene.backedUp,
      () => old,
    );
    if (scene.scripts.process() === undefined) execFileSync('/bin/sh', ['-c', scene.scripts.start]);
    await vi.waitUntil(() => scene.scripts.process(), { timeout: 30_000 });
    await expect.poll(() => scene.server.checksums().catch(() => 'it does not answer yet')).toEqual(ended);
    await scene.expectRunningWith(ended);
  }

  async function end(victim: ProcessIdentity | undefined): Promise<void> {
    if (victim === undefined) return;
    signalProcess(victim, 'SIGKILL');
    await waitUntilGone(victim, 10_000);
  }

  /** The private server on the new data, as long as there is one. */
  const privateServer = (): ProcessIdentity | undefined => {
    const stagings = readdirSync(scene.where.beside).filter((name) => name.startsWith('staging-'));
    return stagings.flatMap((name) =>
      ['private', 'data'].flatMap((folder) =>
        processesWorkingIn(join(scene.where.beside, name, folder), findTool('mariadbd')),
      ),
    )[0];
  };

  const whilePrivate = ['draining', 'stopping'] as const;
  test.each(whilePrivate)('the private server is killed after %s', async (at) => {
    let killed = 0;
    await restoreWhile(async (step) => {
      if (step !== at) return;
      const victim = privateServer();
      killed = victim?.pid ?? 0;
      await end(victim);
    });
    expect(killed).toBeGreaterThan(0);
  });

  // In the steps between there is none.
  const whileServed = ['draining', 'starting', 'closing'] as const;
  test.each(whileServed)('the target is killed after %s', async (at) => {
    let killed = 0;
    await restoreWhile(async (step) => {
      if (step !== at) return;
      const victim = scene.scripts.process();
      killed = victim?.pid ?? 0;
      await end(victim);
      // A server that died leaves it, and the stop command waits for it to go.
      rmSync(join(scene.server.root, 'pid'));
    });
    expect(killed).toBeGreaterThan(0);
  });

  test('the stop command is killed while it waits', async () => {
    let killing = Promise.resolve(0);
    await restoreWhile(async (step) => {
      if (step === 'draining') killing = killCommand(scene.scripts.stop);
    });
    expect(await killing).toBeGreaterThan(0);
  });
});

/** Kills the shell that runs a script as soon as it is there. */
async function killCommand(script: string): Promise<number> {
  const running = (): number | undefined =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((pid) => argumentsOf(pid).includes(script));
  const pid = await vi.waitUntil(running, { timeout: 30_000, interval: 1 });
  const identity = identify(pid);
  if (identity !== undefined) signalProcess(identity, 'SIGKILL');
  return pid;
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
