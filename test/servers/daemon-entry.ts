import { pino } from 'pino';
import { homeOf } from '../../src/contract/home.ts';
import { serveDaemon } from '../../src/daemon/serve.ts';
import { JobRunner } from '../../src/engine/jobs/job-runner.ts';
import { patient } from '../../src/engine/storage/retry.ts';

/**
 * The daemon with a saboteur: at the beginning of a given phase of a given kind of job it kills itself, or has the job
 * cancelled; or one who makes it give storages up after a few tries, where it else holds out for minutes. Arguments: home,
 * `kill` or `cancel` and `<kind>:<phase>`, or `impatience` and how many tries; or `none`.
 */
const [, , root = '', act = 'none', at = ''] = process.argv;
const home = homeOf({ SKYBACKUP_HOME: root });
let done = false;
if (act === 'impatience') Object.assign(patient, { tries: Number(at) });

// A cancel by request would race with the phase; the runner's own comes before the phase has done anything.
let runner: JobRunner | undefined;
const { reserve } = JobRunner.prototype;
JobRunner.prototype.reserve = function (job) {
  runner = this;
  return reserve.call(this, job);
};

const log = pino(
  {
    hooks: {
      streamWrite(line) {
        const { job, kind, phase } = JSON.parse(line) as { job?: number; kind?: string; phase?: string };
        if (!done && phase !== undefined && `${kind}:${phase}` === at) {
          done = true;
          if (act === 'kill') process.kill(process.pid, 'SIGKILL');
          if (act === 'cancel') runner?.cancel(job ?? 0);
        }
        return line;
      },
    },
  },
  pino.destination({ fd: 2, sync: true }),
);

const guard = { confirm: 'ask', appConfirm: false, readOnly: false, services: undefined } as const;
const daemon = await serveDaemon({ home, startedBy: 'person', guard, version: '0.0.0-test', log });
if (daemon.served) {
  process.stdout.write('serving\n');
  await daemon.ended;
} else {
  process.stdout.write(`held by ${daemon.pid}\n`);
}
