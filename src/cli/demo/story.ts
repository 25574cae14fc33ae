import { existsSync } from 'node:fs';
import { openBackupApi } from '../../client/open.ts';
import { managedLayout } from '../../engine/managed/layout.ts';
import { connect, type SqlConnection } from '../../engine/mariadb/connect.ts';
import { addBucket, type DemoBucket, proveInBucket } from './bucket.ts';
import type { Launch } from './client-blocks.ts';
import { type Answer, type Ask, type Conversation, converse } from './conversation.ts';
import { DemoFailed } from './demo-failed.ts';
import { lastTransactions } from './last-transactions.ts';
import { differences, type Picture, takePicture } from './picture.ts';
import type { Sandbox } from './sandbox.ts';
import { inSeconds, type Screen } from './screen.ts';
import { damage, days, fillShop } from './shop.ts';

export const service = 'demo-shop';

export interface Stage {
  screen: Screen;
  sandbox: Sandbox;
  /** Where backups go; undefined: to the repository in the sandbox. */
  bucket: DemoBucket | undefined;
  launch: Launch;
  ask: Ask;
  signal: AbortSignal;
}

/** The story. True when every table is as it was before the damage. */
export async function tell(stage: Stage): Promise<boolean> {
  const { screen, sandbox, bucket, launch, ask, signal } = stage;
  const timings: [string, number][] = [];
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const since = performance.now();
    const result = await work();
    timings.push([what, performance.now() - since]);
    return result;
  };

  screen.chapter('A database with something to lose');
  await timed('the sandbox, its daemon and an empty MariaDB', () => addService(stage));
  if (bucket !== undefined) await timed('the bucket tried out', () => addBucket(screen, bucket, sandbox, signal));
  const sql = await connect(shopLogin(sandbox), { signal });
  let conversation: Conversation | undefined;
  try {
    await timed('sample data', () => fillShop(sql));
    const filled = await takePicture(sql);
    screen.done(
      `a small shop: ${filled.checksums.size} tables, ${filled.rows.toLocaleString('en')} rows, ${megabytes(filled.bytes)}; ${[...filled.objects.keys()].join(', ')}`,
    );

    screen.chapter('The MCP server, as an AI client meets it');
    screen.sent('$', 'skybackup mcp');
    conversation = await timed('MCP server started, asked for its tools', () =>
      converse({ launch: { ...launch, env: sandbox.env }, log: sandbox.mcpLog, screen, ask, signal }),
    );
    screen.done(
      `protocol ${conversation.protocol}, ${conversation.tools.length} tools: ${conversation.tools.join(', ')}`,
    );
    const talk = conversation;
    await talk.mustCall('list_services', {});

    const write = async (statement: string): Promise<void> => {
      screen.sent('mariadb>', statement);
      await sql.query(statement);
    };
    screen.chapter('Backups of three kinds, and business goes on');
    if (bucket !== undefined) await talk.mustCall('list_storages', {});
    const full = await timed('full backup', () => takeBackup(talk, 'full'));
    await write(days.first);
    const incremental = await timed('incremental backup', () => takeBackup(talk, 'incremental'));
    await write(days.second);
    const logs = await timed('binary logs archived', () => takeBackup(talk, 'binarylog'));
    if (bucket !== undefined) await proveInBucket(screen, bucket, sandbox, [full, incremental, logs]);

    screen.chapter('The bad day');
    await write(days.third);
    const before = await takePicture(sql);
    for (const statement of damage) await write(statement);
    const damaged = await takePicture(sql);
    screen.failed(`changed or gone: ${differences(before, damaged).join(', ')}`);
    screen.say('No backup and no archived log knows of the last order. Where did it go wrong? The server still tells:');
    const bad = await firstBadTransaction(screen, sql);
    await sql.close();

    screen.chapter('Back to just before it, once a person agrees');
    await talk.mustCall('list_backups', { service });
    const wanted = { service, before_gtid: bad };
    const restored = await restore(talk, wanted, screen, (work) => timed('restore, from the yes to the end', work));
    if (restored === undefined) return false;

    screen.chapter('The rows are back');
    const again = await connect(shopLogin(sandbox), { signal });
    const after = await takePicture(again).finally(() => again.close());
    const good = compare(screen, before, damaged, after);
    const kept = String(restored.data.kept_data ?? '').replace(/^«(.*)»$/, '$1');
    if (!existsSync(kept)) throw new DemoFailed('the data of before the restore were not kept.');
    screen.say(`The damaged data are kept, too: ${kept}`);

    screen.chapter('How long it took');
    for (const [what, ms] of timings) screen.say(`${inSeconds(ms).padStart(7)}  ${what}`);
    screen.say(`${String(restored.data.downtime ?? '?').padStart(7)}  of that, the database could not be reached`);
    return good;
  } finally {
    await sql.close();
    await conversation?.close();
  }
}

async function addService({ screen, sandbox, signal }: Stage): Promise<void> {
  screen.sent('$', `skybackup services add ${service} --managed --no-nightly`);
  screen.running('making an empty MariaDB');
  const since = performance.now();
  const api = openBackupApi(sandbox.settings);
  try {
    const request = { id: service, control: { kind: 'managed' }, nightly: false } as const;
    const made = await api.daemon?.registerService(request, { signal, deadlineMs: 120_000 });
    screen.done(`MariaDB ${made?.version?.split('-')[0] ?? ''} runs in the sandbox`, performance.now() - since);
  } finally {
    await api.close();
  }
}

async function takeBackup(conversation: Conversation, type: 'full' | 'incremental' | 'binarylog'): Promise<string> {
  const started = await conversation.mustCall('create_backup', { service, type });
  const finished = await conversation.follow(started);
  const id = finished.data.backup_id;
  if (typeof id !== 'string') throw new DemoFailed('the answer names no backup.');
  return id;
}

/** Shows what the server's own log says, and the GTID of the first transaction that did harm. */
async function firstBadTransaction(screen: Screen, sql: SqlConnection): Promise<string> {
  const known = await lastTransactions(sql);
  for (const { gtid, statement } of known) screen.answered(`${gtid}  ${statement}`);
  const bad = known.find(({ statement }) => statement === damage[0]);
  if (bad === undefined) throw new DemoFailed('the binary log does not show what happened.');
  screen.say(`All is well up to the transaction before ${bad.gtid}.`);
  return bad.gtid;
}

/** Undefined when the person said no. A mistyped id costs nothing, and the person may try again. */
async function restore(
  conversation: Conversation,
  wanted: Record<string, string>,
  screen: Screen,
  timed: (work: () => Promise<Answer>) => Promise<Answer>,
): Promise<Answer | undefined> {
  for (let tries = 1; ; tries += 1) {
    const answer = await conversation.call('restore_backup', wanted);
    if (answer.data.wait_for !== undefined) return timed(() => conversation.follow(answer));
    const error = answer.data.error as { code?: string } | undefined;
    if (!answer.isError) {
      screen.say('You said no, and so nothing was changed. The demo ends here.');
      return undefined;
    }
    if (error?.code !== 'plan_mismatch' || tries === 3) throw new DemoFailed('restore_backup reported an error.');
    screen.say('That was not the id, and so nothing was changed. Once more:');
  }
}

/** Shows each table's checksums side by side. True when before and after are equal in everything. */
function compare(screen: Screen, before: Picture, damaged: Picture, after: Picture): boolean {
  const rows = [...before.checksums].map(([table, sum]) => {
    const now = after.checksums.get(table) ?? 'gone';
    return [table, sum, damaged.checksums.get(table) ?? 'gone', now, now === sum ? '✓' : '✗ differs'];
  });
  screen.table(['table', 'checksum before', 'damaged', 'after', ''], rows);
  const wrong = differences(before, after);
  if (wrong.length === 0) screen.done('every table, view, trigger and event is as it was before the damage');
  else screen.failed(`not as before: ${wrong.join(', ')}`);
  return wrong.length === 0;
}

function shopLogin({ settings }: Sandbox): { defaults_file: string } {
  return { defaults_file: managedLayout(settings.home, service).clientFile };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
