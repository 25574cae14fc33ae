import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { seeServer, serverIn } from '../control/seen-server.ts';
import { plainControlOf } from '../control/server-control.ts';
import { checkStartable, endRestarts, unitState, withholdUnit } from '../control/systemd-control.ts';
import { connect, type SqlConnection } from '../mariadb/connect.ts';
import { layoutObstacles } from '../mariadb/layout.ts';
import { readLogin } from '../mariadb/login.ts';
import { isAlive, type ProcessIdentity } from '../mariadb/process-identity.ts';
import type { Answer } from '../mariadb/server-process.ts';
import { globalVariables } from '../mariadb/variables.ts';
import { type DataPlace, placeOf, type RestoreTarget } from './data-place.ts';
import { type AccountStatements, keepAccount, ownAccountOf } from './kept-account.ts';
import { refuseMounts } from './mounts.ts';
import type { TargetFacts, TargetServer } from './target-server.ts';

const startMs = 300_000;
const goesOnMs = 3000;
/** A server that dies at each start is seen running now and then. */
const comesOrGoesMs = 3000;

/** A server that others run, as the target of a restore: stopped and started by its unit or its commands. */
export function outsideTarget(home: Home, target: RestoreTarget, warn: (message: string) => void): TargetServer {
  const place = placeOf(home, target);
  const { control } = target;
  const service = { ...target, datadir: place.data, server: undefined };
  const power = plainControlOf(home, service);
  let account: AccountStatements | undefined;

  const askAll = async (signal?: AbortSignal): Promise<TargetFacts> => {
    const server = await connect(target.connection, signal === undefined ? {} : { signal });
    try {
      const variables = await globalVariables(server);
      const [obstacle] = await layoutObstacles(place.data, variables);
      if (obstacle !== undefined) throw obstacle;
      account = await ownAccountOf(server).catch(() => undefined);
      return {
        serverId: Number(variables.server_id),
        version: variables.version,
        logBin: binaryLogs(place, variables),
        variables,
      };
    } finally {
      await server.close();
    }
  };

  const answer = async (running: ProcessIdentity, timeoutMs: number): Promise<Answer> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      if (!isAlive(running)) return 'gone';
      const seen = await seeServer(service);
      if (seen.answer !== 'silent' || Date.now() >= deadline) return seen.answer;
      await delay(50);
    }
  };

  return {
    log: 'its log',

    async look(signal) {
      checkOurs(target.id, place);
      if (control.kind === 'systemd') await checkStartable(control.unit);
      let seen = await seeServer(service, signal);
      if (seen.process !== undefined && seen.answer === 'silent') {
        await answer(seen.process, comesOrGoesMs);
        seen = await seeServer(service, signal);
      }
      if (seen.answer === 'answers') return askAll(signal);
      if (seen.process !== undefined) {
        throw new SkybackupError(
          seen.answer === 'denied' ? 'access_denied' : 'service_down',
          `The server of ${target.id} (process ${seen.process.pid}) runs and ${seen.answer === 'denied' ? 'refuses the login of skybackup' : 'does not answer'}, so its layout cannot be checked. Nothing was changed.`,
          { hint: `Correct the login, or stop the server; then restore again.` },
        );
      }
      return lookFromOutside(target.id, place, warn);
    },

    find: () => serverIn(place.data),
    isWanted: async () =>
      control.kind === 'systemd' && ['failed', 'activating'].includes(await unitState(control.unit, 5000)),
    login: () => readLogin(target.connection),

    answer,

    stop: (_running: ProcessIdentity, timeoutMs) => power.stop({ timeoutMs, warn }),

    async settle(running, timeoutMs) {
      const begun = Date.now();
      for (;;) {
        if (!isAlive(running)) return;
        const { answer } = await seeServer(service);
        // A server that was asked takes no connection any more: this one's stop command never reached it.
        if (answer !== 'silent' && Date.now() - begun >= goesOnMs) return;
        if (Date.now() - begun >= timeoutMs) {
          throw new SkybackupError(
            'timeout',
            `The server of ${target.id} (process ${running.pid}) neither ends nor answers after ${Math.round(timeoutMs / 1000)} s.`,
            { hint: 'Nothing was killed. Read its log, wait until it is gone, and start the service.' },
          );
        }
        await delay(50);
      }
    },

    async withhold() {
      if (control.kind !== 'systemd') return;
      await endRestarts(control.unit);
      const reason = await withholdUnit(control.unit, true);
      if (reason !== undefined) warn(`A start of ${control.unit} meanwhile is noticed, and not prevented: ${reason}`);
    },
    async release() {
      if (control.kind === 'systemd') await withholdUnit(control.unit, false);
    },

    async start(timeoutMs = startMs) {
      const notes: string[] = [];
      await power.start({ timeoutMs, warn: (message) => notes.push(message) });
      const { process, answer } = await seeServer(service);
      if (process !== undefined && answer !== 'silent') return { identity: process, answer, notes };
      throw new SkybackupError('service_failed', `The server of ${target.id} was started and is gone again.`);
    },

    noteDown: () => {},

    async keepLogin(restored: SqlConnection) {
      if (account === undefined) {
        return [`The login of skybackup on ${target.id} could not be read, so it is what the backup has of it.`];
      }
      const refused = await keepAccount(restored, account);
      return refused.map((words) => `Of the login of skybackup on ${target.id} this could not be kept: ${words}`);
    },
  };
}

/** What we may not do is said before anything is touched. */
function checkOurs(id: string, place: DataPlace): void {
  const { data } = place;
  const stat = statSync(data, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  if (stat !== undefined && uid !== 0 && uid !== stat.uid) {
    throw new SkybackupError(
      'unreadable_directory',
      `The data of ${id} belong to user id ${stat.uid} and this daemon runs as ${uid}: it could not give restored files to their owner.`,
      { hint: 'Run the daemon as root, or as the user that owns the data.' },
    );
  }
  if (stat === undefined || !existsSync(join(data, 'ibdata1'))) {
    throw new SkybackupError('wrong_data_directory', `${data} holds no data of a MariaDB server.`, {
      hint: `Is its disk mounted? Put the data of ${id} back, or forget the service and register it anew.`,
    });
  }
  refuseMounts(place);
  const [folder, what] = place.by === 'entries' ? [data, 'what is'] : [dirname(data), data];
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SkybackupError('unreadable_directory', `This daemon may not rename ${what} in ${folder}.`, {
      hint: `Let user id ${uid} write into ${folder}, or run the daemon as root.`,
      cause: error,
    });
  }
}

/** Of a server that cannot be asked: what its files tell. Its options were checked when it was registered. */
async function lookFromOutside(id: string, place: DataPlace, warn: (message: string) => void): Promise<TargetFacts> {
  const { data } = place;
  const [obstacle] = await layoutObstacles(data, {});
  if (obstacle !== undefined) throw obstacle;
  const names = readdirSync(data);
  for (const [name, variable] of [
    ['ib_logfile0', 'innodb_log_group_home_dir'],
    ['aria_log_control', 'aria_log_dir_path'],
  ] as const) {
    if (names.includes(name)) continue;
    throw new SkybackupError(
      'unsupported_layout',
      `${id} is down, and ${data} has no ${name}: it may lie elsewhere (${variable}), and what is restored would be mixed with it.`,
      { hint: `Start ${id} if it can be started, or put ${name} back; then restore again.` },
    );
  }
  const base = names.find((name) => name.endsWith('.index') && names.includes(`${name.slice(0, -6)}.state`));
  if (base === undefined) warn(`${id} is down: binary logs that it may keep outside of ${data} stay where they are.`);
  const logBin = base === undefined ? '' : join(data, base.slice(0, -6));
  return { serverId: undefined, version: undefined, logBin, variables: {} };
}

/** Where the binary logs are. Throws `unsupported_layout` where they could not be moved aside with the data. */
function binaryLogs({ data }: DataPlace, variables: Readonly<Record<string, string>>): string {
  const { log_bin = 'OFF', log_bin_basename: said = '', log_bin_index: index = '' } = variables;
  if (!/^(ON|1)$/i.test(log_bin) || said === '') return '';
  const refuse = (variable: string, value: string, why: string): SkybackupError =>
    new SkybackupError('unsupported_layout', `${variable} is ${value}: ${why}`, { details: { variable, value } });
  const folder = existsSync(dirname(said)) ? realpathSync(dirname(said)) : dirname(said);
  const base = join(folder, basename(said));
  if (folder !== data && folder.startsWith(`${data}/`)) {
    throw refuse('log_bin_basename', said, 'binary logs in a folder inside the data directory are not moved with it.');
  }
  const indexFolder = existsSync(dirname(index)) ? realpathSync(dirname(index)) : dirname(index);
  if (join(indexFolder, basename(index)) !== `${base}.index`) {
    throw refuse('log_bin_index', index, `the index of the binary logs is not beside them (${base}.index).`);
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SkybackupError('unreadable_directory', `This daemon may not move the binary logs in ${folder}.`, {
      hint: `Run the daemon as root, or let its user write into ${folder}.`,
      cause: error,
    });
  }
  return base;
}
