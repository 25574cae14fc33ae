import { join } from 'node:path';
import type { BackupApi } from '../../../src/client/backup-api.ts';
import { openBackupApi } from '../../../src/client/open.ts';
import { readSettings } from '../../../src/client/settings.ts';
import { classifyStatus } from '../../../src/contract/status.ts';
import { type LocalDaemon, localDaemon } from '../../mcp/local-daemon.ts';
import type { EvalCase } from '../eval-case.ts';
import type { Known } from '../matchers.ts';
import { approve } from './cloud-worlds.ts';
import { Session } from './session.ts';
import type { Stage, Worlds } from './stage.ts';

/** The services that all daemon cases share. */
export const daemonServices = ['shop', 'wiki', 'crm'] as const;
export const daemonFacts = ['shop.full', 'shop.drop', 'wiki.dump', 'wiki.restore'] as const;

/** A real daemon with real MariaDB servers, seeded once; what a case changes is put back after it. */
export async function daemonWorlds(): Promise<Worlds> {
  const daemon = await localDaemon();
  try {
    return await seeded(daemon);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

async function seeded(daemon: LocalDaemon): Promise<Worlds> {
  const sessions = new Map<string, Session>();
  const sessionFor = async (settings: Readonly<Record<string, string>>, hasForms: boolean): Promise<Session> => {
    const key = JSON.stringify([hasForms, Object.entries(settings)]);
    const session = sessions.get(key) ?? (await Session.start(daemon.mcp(settings), hasForms));
    sessions.set(key, session);
    return session;
  };
  const own = await sessionFor({}, true);
  const api = openBackupApi(readSettings(daemon.mcp().env));
  const facts = await seed(daemon, api, own);
  const kept = await api.daemon?.getRetention('shop');

  return {
    async enter(evalCase: EvalCase, person = evalCase.world.person): Promise<Stage> {
      const session = await sessionFor(evalCase.world.settings, person !== 'has no form');
      const [copy] = ((await api.daemon?.listKeptCopies()) ?? []).filter(({ service_id }) => service_id === 'wiki');
      return {
        facts: { ...facts, 'wiki.restore': copy?.restore_id ?? 0 },
        tools: session.tools,
        instructions: session.instructions,
        call: (name, args) => session.call(name, args, person),
        approve: (code, id) => approve(daemon.mcp(evalCase.world.settings), code, id),
        async leave() {
          await putBack(api, own);
          if (kept !== undefined) await api.daemon?.setRetention('shop', kept.policy);
        },
      };
    },
    async close() {
      await api.close();
      await Promise.all([...sessions.values()].map((session) => session.close()));
      await daemon.stop();
    },
  };
}

/** shop lost a table after its backups, wiki was restored a moment ago, crm has nothing at all. */
async function seed(daemon: LocalDaemon, api: BackupApi, session: Session): Promise<Known['facts']> {
  await Promise.all([
    ...daemonServices.map((service) => daemon.cli(['services', 'add', service, '--managed', '--no-nightly'])),
    ...['usb', 'vault'].map((name) =>
      daemon.cli(['storages', 'add', name, '--path', join(daemon.home, 'places', name)]),
    ),
  ]);
  await Promise.all([
    daemon.sql(
      'shop',
      `CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, item TEXT);
       CREATE TABLE shop.coupons (id INT PRIMARY KEY); INSERT INTO shop.coupons VALUES (1), (2);`,
    ),
    daemon.sql('wiki', 'CREATE DATABASE wiki; CREATE TABLE wiki.pages (id INT PRIMARY KEY);'),
  ]);
  const full = await take(session, 'shop', 'full');
  await daemon.sql('shop', "INSERT INTO shop.orders VALUES (1, 'one')");
  await take(session, 'shop', 'incremental');
  const drop = (await daemon.sql('shop', 'DROP TABLE shop.coupons; SELECT @@gtid_binlog_pos')).trim();
  await take(session, 'shop', 'binarylog');
  const wiki = await take(session, 'wiki', 'full');
  const dump = await take(session, 'wiki', 'dump');
  const restore = await api.createRestore({ service_id: 'wiki', backup_id: wiki });
  await ended(session, 'restore', restore.id);
  return { 'shop.full': full, 'shop.drop': drop, 'wiki.dump': dump };
}

async function take(session: Session, service: string, type: string): Promise<string> {
  const { data, text } = await session.call('create_backup', { service, type }, 'declines');
  if (typeof data.id !== 'number') throw new Error(`no backup of ${service} was started: ${text}`);
  const { backup_id } = await ended(session, 'backup', data.id);
  return String(backup_id);
}

async function ended(session: Session, kind: string, id: number): Promise<Record<string, unknown>> {
  for (;;) {
    const { data, text, isError } = await session.call('wait_for', { kind, id }, 'declines');
    if (isError) throw new Error(`${kind} ${id} cannot be waited for: ${text}`);
    if (data.finished === true) return data;
  }
}

/** Work comes to its end, open plans are void, and what was added goes. */
async function putBack(api: BackupApi, session: Session): Promise<void> {
  const running = <T extends { status: string }>(items: T[]): T[] =>
    items.filter(({ status }) => classifyStatus(status) === 'in_progress');
  const schedules = (await api.listSchedules({ page_size: 100, order: 'desc' })).items;
  for (const { id } of running(schedules.filter(({ schedule }) => schedule === 'once')))
    await ended(session, 'backup', id);
  for (const { id } of running((await api.listRestores({ page_size: 100, order: 'desc' })).items))
    await ended(session, 'restore', id);
  for (const { id, schedule } of schedules) if (schedule !== 'once') await api.deleteSchedule(id);
  for (const { id, status } of (await api.daemon?.listPlans()) ?? []) {
    if (status === 'pending' || status === 'approved') await api.daemon?.declinePlan(id, 'cancelled');
  }
  for (const { id } of await api.listServices()) {
    if (daemonServices.some((name) => name === id)) continue;
    const removal = await api.daemon?.removeService(id, id);
    if (removal !== undefined) await ended(session, 'job', removal.job_id);
  }
}
