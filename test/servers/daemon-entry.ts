import { pino } from 'pino';
import { request } from 'undici';
import { homeOf } from '../../src/contract/home.ts';
import { serveDaemon } from '../../src/daemon/serve.ts';

/**
 * The daemon with a saboteur: at the beginning of a given phase of a given kind of job it kills itself, or has the job
 * cancelled. Arguments: home, `kill` or `cancel` or `none`, `<kind>:<phase>`.
 */
const [, , root = '', act = 'none', at = ''] = process.argv;
const home = homeOf({ SKYBACKUP_HOME: root });
let done = false;

const log = pino(
  {
    hooks: {
      streamWrite(line) {
        const { job, kind, phase } = JSON.parse(line) as { job?: number; kind?: string; phase?: string };
        if (!done && phase !== undefined && `${kind}:${phase}` === at) {
          done = true;
          if (act === 'kill') process.kill(process.pid, 'SIGKILL');
          if (act === 'cancel') {
            void request(`http://daemon/skybackup/v1/jobs/${job}/cancel`, {
              method: 'POST',
              dispatcher: agent,
            }).then(({ body }) => body.dump());
          }
        }
        return line;
      },
    },
  },
  pino.destination({ fd: 2, sync: true }),
);
const { Agent } = await import('undici');
const agent = new Agent({ connect: { socketPath: home.socket } });

const daemon = await serveDaemon({ home, startedBy: 'person', version: '0.0.0-test', log });
if (daemon.served) {
  process.stdout.write('serving\n');
  await daemon.ended;
  await agent.close();
} else {
  process.stdout.write(`held by ${daemon.pid}\n`);
}
