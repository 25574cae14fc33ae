import { setTimeout as delay } from 'node:timers/promises';
import type { BackupType } from '../../src/contract/backups.ts';
import { SkybackupError } from '../../src/contract/errors.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import type { Dice } from './dice.ts';
import { killATool } from './killing.ts';
import { choose, expectRefusal, expectRight, prove } from './proofs.ts';
import { rowsUnit, schemaUnit, slowStatement } from './workload.ts';
import { type Act, service, type World } from './world.ts';

/** Everything that can happen in a history, and how often beside the others. */
export const steps: readonly { name: string; weight: number; act: Act }[] = [
  { name: 'rows', weight: 10, act: writeSome },
  {
    name: 'schema',
    weight: 5,
    act: async (world, dice) => world.carryOut(await schemaUnit(await world.writer(), dice)),
  },
  { name: 'a long transaction goes on', weight: 3, act: goOnSlowly },
  {
    name: 'a long transaction commits',
    weight: 3,
    act: (world) => (world.slow === undefined ? nothing() : world.carryOutSlow()),
  },
  { name: 'the second passes', weight: 2, act: nextSecond },
  { name: 'rotation', weight: 2, act: async (world) => void (await (await world.writer()).query('FLUSH BINARY LOGS')) },
  { name: 'purge', weight: 1, act: purge },
  { name: 'full backup', weight: 2, act: (world, dice) => backUp(world, dice, 'full') },
  { name: 'incremental backup', weight: 3, act: incremental },
  { name: 'binary logs', weight: 2, act: (world, dice) => backUp(world, dice, 'binarylog') },
  { name: 'dump', weight: 2, act: (world, dice) => backUp(world, dice, 'dump') },
  { name: 'a tool is killed', weight: 2, act: failedBackup },
  { name: 'the daemon is killed', weight: 1, act: killDaemon },
  { name: 'restore over itself', weight: 1, act: restoreOverItself },
  { name: 'undo', weight: 1, act: undo },
  { name: "a restore's tool is killed", weight: 1, act: failedRestore },
  { name: 'verification', weight: 1, act: verify },
  { name: 'proof', weight: 2, act: prove },
];

async function nothing(): Promise<void> {}

async function writeSome(world: World, dice: Dice): Promise<void> {
  for (let left = dice.whole(1, 4); left > 0; left -= 1)
    await world.carryOut(await rowsUnit(await world.writer(), dice));
}

async function goOnSlowly(world: World, dice: Dice): Promise<void> {
  if (world.slow === undefined) {
    world.slow = await connect(world.connectionOf(service));
    await world.slow.query(`SET SESSION gtid_domain_id = ${dice.one([0, 1, 7])}`);
    await world.slow.query('START TRANSACTION');
  }
  const statement = slowStatement(dice);
  await world.slow.query(statement);
  world.tell(`     in the long transaction: ${statement.slice(0, 150)}`);
}

/** What was committed until now is of an earlier second than what comes. */
async function nextSecond(): Promise<void> {
  await delay(1030 - (Date.now() % 1000));
}

async function purge(world: World, dice: Dice): Promise<void> {
  const logs = await world.logs();
  const kept = dice.one(logs);
  await (await world.writer()).query(`PURGE BINARY LOGS TO 'binlog.${String(kept).padStart(6, '0')}'`);
  const left = new Set(await world.logs());
  const gone = logs.filter((number) => !left.has(number));
  world.timeline.purgedLogs(gone);
  world.tell(`     gone: ${gone.join(', ') || 'none'}`);
}

/** Takes a backup while the service is written to. It has to succeed. */
async function backUp(world: World, dice: Dice, type: BackupType): Promise<void> {
  const jobId = await world.start(type);
  do {
    await world.carryOut(await rowsUnit(await world.writer(), dice));
    // While a dump runs, no table may change its shape: that is mariadb-dump's own limit.
    if (type !== 'dump' && dice.chance(20)) await world.carryOut(await schemaUnit(await world.writer(), dice));
  } while (await world.running(jobId));
  const job = await world.daemon.ended(jobId);
  if (job.status !== 'Succeeded')
    throw new Error(`the ${type} backup ended as ${job.status}: ${JSON.stringify(job.error)}`);
  await world.took(job);
}

/** Refused where the present data have no full backup yet, and only there. */
async function incremental(world: World, dice: Dice): Promise<void> {
  const { incarnation } = world.timeline;
  const possible = world.backups.some(({ type, moment }) => type === 'full' && moment.incarnation === incarnation);
  try {
    await backUp(world, dice, 'incremental');
  } catch (error) {
    if (possible || !(error instanceof SkybackupError) || error.code !== 'conflict') throw error;
    world.tell(`     refused: ${error.message}`);
  }
}

/** One of a backup's processes is killed; nothing of it may be left but the note that it failed. */
async function failedBackup(world: World, dice: Dice): Promise<void> {
  const type = dice.one(['full', 'binarylog', 'dump'] as const);
  const jobId = await world.start(type);
  const killed = await killATool(world.daemon.pid, dice, () => world.running(jobId));
  const job = await world.daemon.ended(jobId);
  world.tell(
    `     ${type}: killed ${killed ?? 'nothing'}, it ended as ${job.status} ${job.error?.message.slice(0, 100) ?? ''}`,
  );
  if (job.status === 'Succeeded') return world.took(job);
  if (killed === undefined) throw new Error(`the ${type} backup failed by itself: ${JSON.stringify(job.error)}`);
}

async function killDaemon(world: World, dice: Dice): Promise<void> {
  const jobId = await world.start(dice.one(['full', 'binarylog', 'dump'] as const));
  for (let wait = dice.whole(0, 20); wait > 0 && (await world.running(jobId)); wait -= 1) await delay(10);
  await world.daemon.kill9();
  world.daemon = await world.daemon.restart();
  const job = await world.daemon.ended(jobId);
  world.tell(`     ${job.kind}: ${job.status}`);
  if (job.status === 'Succeeded') await world.took(job);
}

/** Its own data are replaced by those of a random point. */
async function restoreOverItself(world: World, dice: Dice): Promise<void> {
  const wanted = choose(world, dice);
  if (wanted === undefined) return;
  const [since, before] = [world.atLeast(), world.timeline.last];
  await world.leave();
  const end = await world.restore(service, wanted.request);
  if (end.refused !== undefined) return expectRefusal(world, wanted, end.refused);
  const begun = await world.beginAnew(since);
  expectRight(world, wanted, begun.state);
  await world.tookAfter(end.id);
  world.replaced.push({ restoreId: end.id, before });
}

/** What a restore, or an undo, has replaced comes back. */
async function undo(world: World, dice: Dice): Promise<void> {
  if (world.replaced.length === 0) return;
  const chosen = dice.one(world.replaced);
  const [since, { last }] = [world.atLeast(), world.timeline];
  await world.leave();
  const asked = await world.patiently(() => world.daemon.api.daemon.undoRestore(chosen.restoreId));
  const job = await world.daemon.ended(asked.job_id ?? 0);
  if (job.status !== 'Succeeded') throw new Error(`the undo ended as ${job.status}: ${JSON.stringify(job.error)}`);
  const begun = await world.beginAnew(since);
  world.tell(`     restore ${chosen.restoreId} is undone: #${begun.index} is to be as #${chosen.before.index}`);
  world.same(chosen.before.state, begun.state, `the service after undoing restore ${chosen.restoreId}`);
  await world.tookAfter(asked.id);
  world.replaced.splice(world.replaced.indexOf(chosen), 1);
  world.replaced.push({ restoreId: asked.id, before: last });
}

/** One of a restore's processes is killed: the service has its old data or the new ones, all of them. */
async function failedRestore(world: World, dice: Dice): Promise<void> {
  if (world.backups.length === 0) return;
  const { id, moment } = dice.one(world.backups);
  const { last } = world.timeline;
  const since = world.atLeast();
  await world.leave();
  const end = await world.restore(service, { id }, async (jobId) => {
    const killed = await killATool(world.daemon.pid, dice, () => world.running(jobId));
    world.tell(`     ${id.slice(0, 8)} of #${moment.index}: killed ${killed ?? 'nothing'}`);
  });
  if (end.refused === undefined) {
    world.same(moment.state, (await world.beginAnew(since)).state, `the service restored from ${id}`);
    await world.tookAfter(end.id);
    world.replaced.push({ restoreId: end.id, before: last });
  } else {
    world.tell(`     it failed: ${end.refused.message.slice(0, 150)}`);
    world.same(last.state, await world.holds(service), 'the service after a restore that failed');
  }
}

async function verify(world: World, dice: Dice): Promise<void> {
  if (world.backups.length === 0) return;
  const { id } = dice.one(world.backups);
  const verification = await world.patiently(() => world.daemon.api.daemon.verifyBackup(id));
  const job = await world.daemon.ended(verification.job_id ?? 0);
  if (job.status !== 'Succeeded') throw new Error(`${id} is not proven: ${JSON.stringify(job.error)}`);
  world.tell(`     ${id.slice(0, 8)} is proven`);
}
