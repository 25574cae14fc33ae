// What a big catalogue costs: the same work in a home with many backups, schedules and services, and in one with few.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { systemClock } from '../src/engine/clock.ts';
import type { EngineContext } from '../src/engine/engine-context.ts';
import { JobRunner } from '../src/engine/jobs/job-runner.ts';
import { openRepository } from '../src/engine/repository/open.ts';
import { retentionPass } from '../src/engine/retention/retention-pass.ts';
import { ScheduleTicker } from '../src/engine/schedule/ticker.ts';
import { localDirectory } from '../src/engine/storage/local-directory.ts';
import { Storages } from '../src/engine/storages/storages.ts';
import { openState } from '../src/engine/store/state-store.ts';
import { type CatalogueHome, makeCatalogue, serviceOf } from './catalogue-home.ts';
import { median, numberOption, shown } from './measure.ts';

const many = numberOption('backups', 100_000);
const few = 1000;
const rounds = numberOption('rounds', 40);
const starts = numberOption('starts', 5);
const aim = 1.5;
const entry = join(resolve(import.meta.dirname, '..'), 'dist', 'skybackup.js');
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^SKY(SQL|BACKUP)_/.test(name)));

type Run = (catalogue: CatalogueHome) => Promise<number> | number;

/** The same in both homes in turns; the first round only warms up. */
async function sideBySide(name: string, times: number, run: Run): Promise<void> {
  const [a, b]: [number[], number[]] = [[], []];
  for (let round = 0; round <= times; round += 1) {
    const large = await run(big);
    const little = await run(small);
    if (round === 0) continue;
    a.push(large);
    b.push(little);
  }
  const [large, little] = [median(a), median(b)];
  console.log(
    `  ${name.padEnd(58)} ${shown(large).padStart(9)} ${shown(little).padStart(9)} ${(large / little).toFixed(2).padStart(7)}`,
  );
}

interface Serving {
  child: ChildProcess;
  agent: Agent;
  /** From spawn to the answered /healthz, in milliseconds. */
  took: number;
}

async function serve({ home }: CatalogueHome): Promise<Serving> {
  const since = performance.now();
  const child = spawn(process.execPath, [entry, 'serve'], {
    env: { ...environment, SKYBACKUP_HOME: home.root },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const agent = new Agent({ connect: { socketPath: home.socket } });
  while (child.exitCode === null) {
    const answer = await request('http://daemon/healthz', { dispatcher: agent }).catch(() => undefined);
    if (answer !== undefined) {
      await answer.body.dump();
      return { child, agent, took: performance.now() - since };
    }
    await delay(2);
  }
  await agent.destroy();
  throw new Error(`the daemon ended at its start: ${readFileSync(home.log, 'utf8').slice(-2000)}`);
}

async function end({ child, agent }: Serving): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  await agent.destroy();
}

const residentMiB = ({ child }: Serving): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

async function measurePages(serving: Map<CatalogueHome, Serving>): Promise<void> {
  const get = async (catalogue: CatalogueHome, path: string): Promise<number> => {
    const since = performance.now();
    const agent = serving.get(catalogue)?.agent;
    if (agent === undefined) throw new Error('no daemon');
    const { statusCode, body } = await request(`http://daemon/skybackup/v1/${path}`, { dispatcher: agent });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text.slice(0, 500)}`);
    return performance.now() - since;
  };
  const last = ({ backups }: CatalogueHome): number => backups / 100;
  await sideBySide('backups, first page of 100', rounds, (of) => get(of, 'backups'));
  await sideBySide('backups, middle page', rounds, (of) => get(of, `backups?page=${Math.ceil(last(of) / 2)}`));
  await sideBySide('backups, last page', rounds, (of) => get(of, `backups?page=${last(of)}`));
  await sideBySide('backups of one service, all 100', rounds, (of) => get(of, `backups?service_id=${serviceOf(3)}`));
  await sideBySide('backups of one status, first page', rounds, (of) => get(of, 'backups?status=succeeded'));
  await sideBySide('health of one service', rounds, (of) => get(of, `health?service_id=${serviceOf(3)}`));
  await sideBySide('schedules, first page', rounds, (of) => get(of, 'backups/schedules'));
  await sideBySide('schedules of one service', rounds, (of) => get(of, `backups/schedules?service_id=${serviceOf(3)}`));
}

async function measureEngine(): Promise<void> {
  const engines = new Map(
    [big, small].map((catalogue) => {
      const { home } = catalogue;
      const state = openState(home.state);
      const jobs = new JobRunner(state);
      const repository = openRepository(localDirectory(home.repository));
      const log = (): void => undefined;
      const context: EngineContext = {
        home,
        state,
        repository,
        storages: new Storages({ home, state, clock: systemClock }),
        jobs,
        clock: systemClock,
        log,
        startedBy: 'person',
        parallel: 2,
      };
      // Only the ticker: what a backup costs is another bench's.
      const ticker = new ScheduleTicker({ state, clock: systemClock, startRun: ({ id }) => ({ jobId: id }) });
      return [catalogue, { context, ticker }];
    }),
  );
  const of = (catalogue: CatalogueHome): { context: EngineContext; ticker: ScheduleTicker } => {
    const engine = engines.get(catalogue);
    if (engine === undefined) throw new Error('no engine');
    return engine;
  };
  const timed = (work: () => void): number => {
    const since = performance.now();
    work();
    return performance.now() - since;
  };
  await sideBySide('scheduler tick, nothing due', rounds, (home) => timed(() => of(home).ticker.tick()));
  await sideBySide('scheduler tick, 5 due', rounds, (home) => {
    const { context, ticker } = of(home);
    for (let id = 1; id <= 5; id += 1) context.state.schedules.change(id, { next_run_at: Date.now() - 1000 });
    return timed(() => ticker.tick());
  });
  await sideBySide('retention pass over one service', rounds, async (home) => {
    const since = performance.now();
    await retentionPass(of(home).context, serviceOf(3));
    return performance.now() - since;
  });
  for (const { context, ticker } of engines.values()) {
    ticker.stop();
    context.state.close();
  }
}

const root = mkdtempSync(join(tmpdir(), 'skb-bench-'));
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
const big = makeCatalogue(join(root, 'many'), many);
const small = makeCatalogue(join(root, 'few'), few);
const serving = new Map<CatalogueHome, Serving>();
const sizes = [big, small].map(
  ({ backups, schedules, services }) => `${backups} backups, ${schedules} schedules, ${services} services`,
);
console.log(
  `${sizes.join('  beside  ')}\n  ${''.padEnd(58)}      many       few   ratio (aim of a page: at most ${aim})`,
);
await measureEngine();
for (const catalogue of [big, small]) serving.set(catalogue, await serve(catalogue));
await measurePages(serving);
for (const [{ backups }, daemon] of serving)
  console.log(`  ${backups} backups: peak resident memory ${residentMiB(daemon).toFixed(0)} MiB`);
for (const daemon of serving.values()) await end(daemon);
await sideBySide('daemon start, spawn to answered /healthz', starts, async (catalogue) => {
  const daemon = await serve(catalogue);
  await end(daemon);
  return daemon.took;
});
