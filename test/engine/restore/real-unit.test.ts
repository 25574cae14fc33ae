import { readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { unitState } from '../../../src/engine/control/systemd-control.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { SwapControls } from '../../../src/engine/restore/swap.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';
import { canRunSystemd, startSystemd, type TestSystemd } from '../../servers/systemd.ts';
import { databaseUser, killRestore, type OutsideScene, outsideScene } from './outside-scene.ts';
import { testJob } from './sample-backup.ts';

const unit = 'mariadb.service';

/** As Debian's package has it, but for what it starts besides the server. */
const unitText = (server: TestMariadbd, more = ''): string => `[Unit]
Description=MariaDB database server
[Service]
Type=notify
User=mysql
Group=mysql
AmbientCapabilities=CAP_IPC_LOCK
ProtectSystem=full
ProtectControlGroups=true
ProtectHome=true
Environment="MYSQLD_OPTS=${server.args.join(' ')}"
ExecStart=/bin/sh -c "set -f; exec ${findTool('mariadbd')} $MYSQLD_OPTS"
KillSignal=SIGTERM
SendSIGKILL=no
Restart=on-abnormal
RestartSec=5s
UMask=007
PrivateTmp=false
TimeoutStartSec=900
TimeoutStopSec=900
TasksMax=99%
LimitNOFILE=32768
LimitMEMLOCK=524288
${more}
`;

const restored = async (scene: OutsideScene, controls?: SwapControls) =>
  restoreBackup(scene.input(), testJob(), controls);

if (!canRunSystemd) {
  test('restores through a real systemd are tried by root only', ({ skip }) => {
    const words =
      'NOT TRIED: restores through a real systemd, which only root can start. Run "npm test" as root for it.';
    process.stderr.write(`${words}\n`);
    skip(words);
  });
} else {
  describe('a server that a real systemd runs', () => {
    let scene: OutsideScene;
    let systemd: TestSystemd;
    beforeAll(async () => {
      scene = await outsideScene('systemd', {
        unitOf: async (server) => {
          systemd = await startSystemd(server.root, databaseUser);
          await systemd.unitFile(unit, unitText(server));
          expect(await systemd.systemctl('start', unit)).toEqual({ code: 0, words: '' });
          return unit;
        },
      });
    });
    afterAll(async () => {
      await systemd?.dispose();
      await scene?.dispose();
    });
    beforeEach(() => void vi.stubEnv('PATH', `${systemd.path}:${process.env.PATH}`));
    afterEach(async () => {
      vi.unstubAllEnvs();
      await systemd.systemctl('unmask', unit);
      await change('');
      await systemd.systemctl('reset-failed', unit);
      expect(await systemd.systemctl('start', unit)).toEqual({ code: 0, words: '' });
    });

    /** Lines for the unit's [Service], in force at its next start or stop. */
    const change = (more: string): Promise<void> => systemd.unitFile(unit, unitText(scene.server, more));
    const show = async (property: string): Promise<string> =>
      (await systemd.systemctl('show', `--property=${property}`, '--value', unit)).words;

    it('is masked from its stop to its start, and nobody starts it meanwhile', async () => {
      await scene.damage();
      const seen: unknown[] = [];
      const outcome = await restored(scene, {
        afterStep: async (step) => {
          if (step !== 'stopping' && step !== 'aside' && step !== 'in') return;
          const { code, words } = await systemd.systemctl('start', unit);
          seen.push([code, words, await show('LoadState')]);
        },
      });
      const refused = [1, `Failed to start ${unit}: Unit ${unit} is masked.`, 'masked'];
      expect(seen).toEqual([refused, refused, refused]);
      expect(outcome.warnings).toEqual([]);
      expect(await show('LoadState')).toBe('loaded');
      expect(await unitState(unit, 5000)).toBe('active');
      await scene.expectRunningWith(scene.backedUp);
    });

    it('whose unit file lies in /etc cannot be masked at run time: that is said, and the restore goes on', async () => {
      await systemd.unitFile(unit, unitText(scene.server), '/etc/systemd/system');
      await scene.damage();
      const outcome = await restored(scene);
      expect(outcome.warnings).toEqual([expect.stringMatching(/noticed, and not prevented/)]);
      await scene.expectRunningWith(scene.backedUp);
      await systemd.unitFile(unit, '', '/etc/systemd/system');
    });

    it('and would always start again is restored, and a failure after its start brings the old data back', async () => {
      const starts = join(scene.server.root, 'starts');
      const note = `ExecStartPre=/bin/sh -c 'stat --format=%%i "${scene.server.datadir}" >>"${starts}"'`;
      await change(`Restart=always\nRestartSec=0\n${note}`);
      const before = await scene.damage();
      const failure = restored(scene, {
        afterStep: (step) => {
          if (step === 'starting') throw new Error('fault');
        },
      });
      await expect(failure).rejects.toThrow('fault');
      await scene.expectRunningWith(before);
      // The new server and the old one: none came up again on the new data while they were moved out.
      const served = readFileSync(starts, 'utf8').trim().split('\n');
      expect([served.length, served.at(-1)]).toEqual([2, String(statSync(scene.server.datadir).ino)]);
      expect(served[0]).not.toBe(served[1]);
      expect((await restored(scene)).warnings).toEqual([]);
      await scene.expectRunningWith(scene.backedUp);
    });

    it.each([
      ['stopping', 'reversed'],
      ['aside', 'finished'],
    ])('is masked no more when the daemon died after %s: the exchange is %s', async (step, outcome) => {
      const old = await scene.damage();
      await killRestore(scene, step);
      expect(await show('LoadState')).toBe('masked');
      expect(await recoverRestore(scene.place.home, scene.target)).toMatchObject({ outcome });
      expect(await show('LoadState')).toBe('loaded');
      expect(await unitState(unit, 5000)).toBe('active');
      await scene.expectRunningWith(outcome === 'finished' ? scene.backedUp : old);
    });

    it('and that has failed is restored and runs', async () => {
      await change('Restart=no');
      await systemd.systemctl('kill', '--signal=KILL', unit);
      await expect.poll(() => unitState(unit, 5000)).toBe('failed');
      await restored(scene);
      await scene.expectRunningWith(scene.backedUp);
    });

    it('and that dies at each start, and is started again each time, is restored and runs', async () => {
      await change('Restart=always\nRestartSec=200ms\nStartLimitBurst=100000');
      await scene.damage();
      await systemd.systemctl('stop', unit);
      const { datadir } = scene.server;
      truncateSync(join(datadir, 'ibdata1'), 4096);
      await systemd.systemctl('start', '--no-block', unit);
      await expect.poll(() => show('NRestarts').then(Number)).toBeGreaterThan(1);
      await restored(scene);
      await scene.expectRunningWith(scene.backedUp);
      expect(await unitState(unit, 5000)).toBe('active');
    });

    it('and that its systemd would not start so often any more is started all the same', async () => {
      await systemd.unitFile(
        unit,
        unitText(scene.server).replace('[Service]', 'StartLimitIntervalSec=1h\nStartLimitBurst=1\n[Service]'),
      );
      await systemd.systemctl('stop', unit);
      await systemd.systemctl('start', unit);
      await restored(scene);
      await scene.expectRunningWith(scene.backedUp);
    });

    it('and that a person masked is refused, and goes on', async () => {
      expect((await systemd.systemctl('mask', unit)).code).toBe(0);
      const before = await scene.damage();
      const { process } = scene.scripts;
      const running = process();
      await expect(restored(scene)).rejects.toMatchObject({
        code: 'conflict',
        message: `${unit} is masked: once stopped it could not be started again.`,
        hint: expect.stringContaining(`systemctl unmask ${unit}`),
      });
      expect(process()).toEqual(running);
      await scene.expectRunningWith(before);
    });

    it('and that does not stop in the time its unit gives it goes on with its data', async () => {
      await change('KillSignal=SIGWINCH\nTimeoutStopSec=1s\nRestart=no');
      const before = await scene.damage();
      const running = scene.scripts.process();
      await expect(restored(scene)).rejects.toMatchObject({
        code: 'timeout',
        message: expect.stringContaining(`systemd gave up stopping ${unit} after its TimeoutStopSec`),
        hint: expect.stringMatching(/^Nothing was killed.*a longer TimeoutStopSec/),
      });
      expect(scene.scripts.process()).toEqual(running);
      await scene.expectRunningWith(before);
      await scene.scripts.dispose();
    });

    it('and that systemd ends by force is restored, and that is said', async () => {
      await change('KillSignal=SIGWINCH\nTimeoutStopSec=1s\nSendSIGKILL=yes\nRestart=no');
      await scene.damage();
      const outcome = await restored(scene);
      expect(outcome.warnings).toEqual([expect.stringMatching(/had not ended in the time.*systemd ended it by force/)]);
      await scene.expectRunningWith(scene.backedUp);
    });
  });
}
