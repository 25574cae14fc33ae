import { setTimeout as delay } from 'node:timers/promises';
import type { BackupType } from '../../src/contract/backups.ts';
import { SkybackupError } from '../../src/contract/errors.ts';
import type { Job } from '../../src/contract/jobs.ts';
import type { Connection } from '../../src/contract/services.ts';
import { classifyStatus } from '../../src/contract/status.ts';
import { connect, type SqlConnection } from '../../src/engine/mariadb/connect.ts';
import type { TestDaemon } from '../servers/daemon.ts';
import type { Dice } from './dice.ts';
import { differences, type Fingerprint, fingerprintOf } from './fingerprint.ts';
import { type Moment, type NewMoment, Timeline } from './timeline.ts';
import type { Unit } from './workload.ts';

/** A backup that succeeded, and the moment that it is of. */
export interface TakenBackup {
  id: string;
  type: BackupType;
  moment: Moment;
  /** Unix seconds. */
  endedAt: number;
}

/** How a restore ended: refused or failed, or else well. */
export type RestoreEnd = { id: number; refused?: undefined } | { refused: { code: string; message: string } };

/** The service whose history it is. */
export const service = 'history';

/** A real daemon, a managed server with a history, and the record of it. */
export class World {
  daemon: TestDaemon;
  readonly timeline = new Timeline();
  readonly backups: TakenBackup[] = [];
  /** Restores that can be undone, and what the data were before each. */
  readonly replaced: { restoreId: number; before: Moment }[] = [];
  /** A transaction that is open in a session of its own. */
  slow: SqlConnection | undefined;
  readonly #tell: (line: string) => void;
  #writer: SqlConnection | undefined;
  #sawLogsAt = 0;

  constructor(daemon: TestDaemon, tell: (line: string) => void) {
    this.daemon = daemon;
    this.#tell = tell;
  }

  tell(line: string): void {
    this.#tell(line);
  }

  async begin(): Promise<void> {
    await this.daemon.api.daemon.registerService({ id: service, control: { kind: 'managed' }, nightly: false });
    this.timeline.add(await this.#look(0, 0));
  }

  connectionOf(id: string): Connection {
    return { defaults_file: `${this.daemon.home.services}/${id}/client.cnf` };
  }

  async writer(): Promise<SqlConnection> {
    this.#writer ??= await connect(this.connectionOf(service));
    return this.#writer;
  }

  /** Sessions do not outlive a restore of their server. */
  async leave(): Promise<void> {
    await this.#writer?.close();
    await this.slow?.close();
    this.#writer = undefined;
    this.slow = undefined;
  }

  /** Carries out a transaction, whether or not the server accepts it, and records what came of it. */
  async carryOut(unit: Unit): Promise<void> {
    const sql = await this.writer();
    const log = await this.#logNumber();
    await sql.query(`SET SESSION gtid_domain_id = ${unit.domain}, timestamp = ${unit.forged ?? 'DEFAULT'}`);
    let said = '';
    // Of the last statement, which commits: the server takes the second in which it begins.
    let at = 0;
    for (const statement of unit.statements) {
      at = this.atLeast();
      await sql.query(statement).catch((error: unknown) => {
        if (!(error instanceof SkybackupError) || error.code !== 'statement_failed') throw error;
        said = ` (refused: ${error.message.slice(0, 80)})`;
      });
    }
    if (said !== '') await sql.query('ROLLBACK');
    await sql.query('SET SESSION timestamp = DEFAULT');
    await this.#record({ unit, from: log, at, said });
  }

  /** Commits the open transaction. */
  async carryOutSlow(): Promise<void> {
    const log = await this.#logNumber();
    const before = this.atLeast();
    await this.slow?.query('COMMIT');
    await this.slow?.close();
    this.slow = undefined;
    await this.#record({
      unit: { statements: ['COMMIT of the long transaction'], domain: 0 },
      from: log,
      at: before,
      said: '',
    });
  }

  /** The clock of the machine, which is the servers' too; Unix seconds. */
  clock(): number {
    return Math.floor(Date.now() / 1000);
  }

  /** As `clock`, where the servers may read a coarser one that is some milliseconds behind. */
  atLeast(): number {
    return Math.floor((Date.now() - 20) / 1000);
  }

  async #record({ unit, from, at, said }: { unit: Unit; from: number; at: number; said: string }): Promise<void> {
    const found = await this.#look(from, at);
    const { forged } = unit;
    const time =
      forged === undefined ? found.time : ([Math.min(forged, found.time[0]), Math.max(forged, found.time[1])] as const);
    const moment = this.timeline.add({ ...found, time });
    const what = unit.statements.map((statement) => statement.slice(0, 150)).join('; ');
    const claim = forged === undefined ? '' : ` [as of ${forged}]`;
    this.tell(`${moment === undefined ? '   -' : `#${moment.index} ${moment.position}`} ${what}${claim}${said}`);
  }

  async #look(fromLog: number, since: number): Promise<NewMoment> {
    const sql = await this.writer();
    const [row] = await sql.query<{ position: string }>('SELECT @@gtid_binlog_pos AS position');
    const state = await fingerprintOf(sql);
    const log = await this.#logNumber();
    return {
      position: row?.position ?? '',
      time: [since, this.clock()],
      log: [fromLog === 0 ? log : fromLog, log],
      state,
    };
  }

  async #logNumber(): Promise<number> {
    return (await this.logs()).at(-1) ?? 0;
  }

  /** Numbers of the server's binary logs, the one being written last. */
  async logs(): Promise<number[]> {
    const rows = await (await this.writer()).query<{ Log_name: string }>('SHOW BINARY LOGS');
    const numbers = rows.map(({ Log_name }) => Number(Log_name.split('.')[1]));
    const now = this.clock() + 1;
    this.timeline.sawLogs(numbers, this.#sawLogsAt, now);
    this.#sawLogsAt = this.atLeast();
    return numbers;
  }

  /** After a restore of the service itself, asked for at `since`: what it holds now begins a new part of the record. */
  async beginAnew(since: number): Promise<Moment> {
    await this.leave();
    // The restored server's logs begin anew with a new incarnation.
    this.timeline.incarnation += 1;
    const found = await this.#look(0, since);
    this.timeline.incarnation -= 1;
    return this.timeline.begin(found);
  }

  /** A question that may meet a job of the daemon's own; asked again when that has ended. */
  async patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const busy = error instanceof SkybackupError && error.details.job_id !== undefined;
        if (!busy) throw error;
        await delay(100);
      }
    }
  }

  /** Starts a backup; the id of its job. */
  async start(type: BackupType): Promise<number> {
    const request = { backup_type: type, schedule: 'once', service_id: service };
    const schedule = await this.patiently(() => this.daemon.api.createSchedule(request));
    return schedule.job_id ?? 0;
  }

  async running(jobId: number): Promise<boolean> {
    return classifyStatus((await this.daemon.api.daemon.getJob(jobId)).status) === 'in_progress';
  }

  /** Notes a backup that succeeded, at the moment that it says it is of. */
  async took(job: Job): Promise<void> {
    if (job.kind === 'binarylog') this.timeline.archivedLogs((await this.logs()).slice(0, -1));
    if (job.backup_id === undefined || job.kind === 'binarylog') return;
    const backup = await this.daemon.api.getBackup(job.backup_id);
    const moment = this.timeline.at(backup.binlog_gtid_position ?? '', this.timeline.incarnation);
    this.tell(`     ${backup.type} ${backup.id.slice(0, 8)} is of #${moment?.index} ${backup.binlog_gtid_position}`);
    // It may fall between two transactions of one statement; what the data were there, nobody has looked at.
    if (moment !== undefined)
      this.backups.push({ id: backup.id, type: backup.type as BackupType, moment, endedAt: this.clock() + 1 });
  }

  /** Notes the full backup that the daemon has taken by itself of what a restore or undo brought. */
  async tookAfter(restoreId: number): Promise<void> {
    const wanted = await this.daemon.backedUpAfter(restoreId);
    if (wanted?.status !== 'Succeeded') throw new Error(`after restore ${restoreId}: ${JSON.stringify(wanted)}`);
    await this.took(await this.daemon.ended(wanted.job_id ?? 0));
  }

  /** Restores onto a service and waits for the end; `meanwhile` hears the job's id. */
  async restore(
    target: string,
    request: Record<string, unknown>,
    meanwhile: (jobId: number) => Promise<unknown> = async () => {},
  ): Promise<RestoreEnd> {
    for (;;) {
      const body = { service_id: target, ...request };
      const answer = await this.daemon.request('POST', '/skybackup/v1/restores', body);
      const error: { error: string; message: string; details?: { job_id?: number } } | undefined =
        answer.body.errors?.[0];
      if (error === undefined) {
        const jobId = Number(answer.body.job_id);
        await meanwhile(jobId);
        const job = await this.daemon.ended(jobId);
        if (job.status === 'Succeeded') return { id: Number(answer.body.id) };
        return { refused: job.error ?? { code: job.status, message: '' } };
      }
      // A job of the daemon's own may hold the target for a while.
      if (error.details?.job_id === undefined) return { refused: { code: error.error, message: error.message } };
      await delay(100);
    }
  }

  /** Removes a managed service with its data. */
  async remove(id: string): Promise<void> {
    const { job_id } = await this.daemon.api.daemon.removeService(id, id);
    const job = await this.daemon.ended(job_id);
    if (job.status !== 'Succeeded') throw new Error(`${id} was not removed: ${JSON.stringify(job.error)}`);
  }

  async holds(id: string): Promise<Fingerprint> {
    const sql = await connect(this.connectionOf(id));
    return fingerprintOf(sql).finally(() => sql.close());
  }

  same(wanted: Fingerprint, found: Fingerprint, what: string): void {
    const wrong = differences(wanted, found);
    if (wrong.length > 0) throw new Error(`${what} is not as it was:\n${wrong.join('\n')}`);
  }

  async dispose(): Promise<void> {
    await this.leave();
    await this.daemon.dispose();
  }
}

export type Act = (world: World, dice: Dice) => Promise<void>;
