import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { eras } from './raw-client.ts';

let daemon: LocalDaemon;

beforeAll(async () => {
  daemon = await localDaemon();
  await daemon.cli(['services', 'add', 'shop', '--managed', '--no-nightly']);
  await daemon.sql('shop', 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, item TEXT);');
  await daemon.sql('shop', "INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two'), (3, 'three');");
});
afterAll(() => daemon.stop());

const rows = () => daemon.sql('shop', 'SELECT COUNT(*) FROM shop.orders');

describe.each(eras)('the tools against a real daemon and a real MariaDB (%s)', (era) => {
  it('back up with progress, and restore after a yes; the answer tells state, users, old data and undo', async () => {
    const client = await daemon.client(era);
    expect(await client.call('list_services', {})).toMatchObject({
      data: { services: [{ id: 'shop', status: 'ready', control: 'managed' }] },
    });
    const before = await rows();
    const started = await client.call('create_backup', { service: 'shop' });
    expect(started).toMatchObject({ isError: false, data: { service_id: 'shop', job_id: expect.any(Number) } });
    const backup = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
    expect(backup).toMatchObject({ data: { finished: true, outcome: 'done' } });
    const id = String(backup.data.backup_id);

    await daemon.sql('shop', 'DELETE FROM shop.orders WHERE id > 1');
    const asking = await client.ask('restore_backup', { service: 'shop', backup: 'latest' });
    expect(asking.message).toContain(id);
    expect(asking.message).toContain('Everything written to shop since the backup');
    expect(await rows()).toBe('1');
    const restore = await asking.answer('accept', { typed_id: 'shop' });
    expect(restore).toMatchObject({ isError: false, data: { service_id: 'shop', backup_id: id } });
    const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
    expect(after).toMatchObject({
      data: {
        finished: true,
        outcome: 'done',
        service_status: 'ready',
        users_of: 'shop',
        kept_data: expect.any(String),
      },
    });
    expect(after.text).toMatch(/kept at .* until \d{4}-\d\d-\d\d/);
    // The daemon takes one by itself: a second, asked for here, would be taken in vain.
    expect(after.data.next).toMatch(/backup of them is taken by itself/);
    expect(after.data.next).not.toContain('create_backup');
    expect(await rows()).toBe(before);
    expect(await client.call('list_restores', { service: 'shop', id: Number(restore.data.id) })).toMatchObject({
      data: { restores: [{ kept_data: expect.stringContaining('before-restore') }] },
    });
  });

  it('a no, a wrong id and a forged answer change nothing', async () => {
    const client = await daemon.client(era);
    const restore = { service: 'shop', backup: 'latest' };
    const count = (await client.call('list_restores', {})).data.count;
    await (await client.ask('restore_backup', restore)).answer('decline');
    const wrong = await (await client.ask('restore_backup', restore)).answer('accept', { typed_id: 'stop' });
    expect(wrong).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    const forged = { inputResponses: { confirm: { action: 'accept', content: { typed_id: 'shop' } } } };
    await (await client.ask('restore_backup', restore, forged)).answer('cancel');
    const late = await client.ask('restore_backup', restore);
    await late.cancel();
    void late.answer('accept', { typed_id: 'shop' });
    await client.call('list_services', {});
    expect((await client.call('list_restores', {})).data.count).toBe(count);
  });

  it('a plan approved at the terminal is carried out by the same call, once, also when two race', async () => {
    const [one, two] = await Promise.all([daemon.client(era, {}, false), daemon.client(era, {}, false)]);
    const restore = { service: 'shop', backup: 'latest' };
    const plan = await one.call('restore_backup', restore);
    const { code } = plan.data.plan as { code: string };
    expect(plan.text).toContain(`skybackup approve ${code}`);
    const count = Number((await one.call('list_restores', {})).data.count);
    await daemon.cli(['approve', code, '--confirm', 'shop']);
    const replies = await Promise.all([one, two, one, two].map((client) => client.call('restore_backup', restore)));
    const begun = replies.filter(({ isError, data }) => !isError && data.wait_for !== undefined);
    expect(begun).toHaveLength(1);
    const [restored] = begun;
    await one.call('wait_for', restored?.data.wait_for as Record<string, unknown>);
    expect((await one.call('list_restores', {})).data.count).toBe(count + 1);
  });

  it('a target that changed between plan and yes is refused', async () => {
    const client = await daemon.client(era);
    const newest = await client.call('list_backups', { service: 'shop', id: 'latest' });
    const [{ id }] = newest.data.backups as [{ id: string }];
    const asking = await client.ask('restore_backup', { service: 'shop', backup: id });
    const other = await client.call('create_backup', { service: 'shop' });
    await client.call('wait_for', other.data.wait_for as Record<string, unknown>);
    const reply = await asking.answer('accept', { typed_id: 'shop' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'target_changed' } } });
  });

  it('schedules are made, told in words, weakened only with a yes, and deleted only with a yes', async () => {
    const client = await daemon.client(era);
    const made = await client.call('create_schedule', { service: 'shop', cron: '0 3 * * *' });
    expect(made.text).toContain('At 03:00, every day (UTC)');
    const id = Number(made.data.id);
    expect(await client.call('update_schedule', { id, cron: '0 2 * * *' })).toMatchObject({ isError: false });
    const weaker = await client.ask('update_schedule', { id, cron: '0 2 * * 0' });
    expect(weaker.message).toContain('longest time without a backup');
    expect(await weaker.answer('accept', { typed_id: String(id) })).toMatchObject({ isError: false });
    const removal = await client.ask('delete_schedule', { id });
    expect(await removal.answer('accept', { typed_id: String(id) })).toMatchObject({ data: { deleted: true } });
    expect(await client.call('list_schedules', { id })).toMatchObject({ isError: true });
  });
});

it('the coverage of a service is told with its reasons, its newest backup, the restore that proved it, and the next step', async () => {
  const client = await daemon.client('modern');
  await daemon.cli(['services', 'add', 'bare', '--managed', '--no-nightly']);
  const all = await client.call('check_backups', {});
  expect(all).toMatchObject({ data: { verdict: 'critical', count: 2 } });
  expect(all.text).toContain('CRITICAL: of 2 services 1 critical');
  expect(all.text).toContain('bare has no backup that could be restored');
  expect(all.text).toContain('Next: Offer create_backup with service "bare"');
  const shop = await client.call('check_backups', { service: 'shop' });
  expect(shop.data).toMatchObject({
    verdict: 'warning',
    services: [
      {
        service_id: 'shop',
        reasons: [{ level: 'warning', code: 'no_schedule' }],
        last_good: [{ type: 'full', id: expect.any(String), size: expect.any(String) }],
        last_proven_restore: { restore_id: expect.any(Number), onto: 'shop' },
      },
    ],
  });
  expect(shop.text).toContain('create_schedule');
  const { data } = await client.call('create_schedule', { service: 'shop', cron: '0 3 * * *' });
  expect(await client.call('check_backups', { service: 'shop' })).toMatchObject({ data: { verdict: 'ok' } });
  const asking = await client.ask('delete_schedule', { id: Number(data.id) });
  await asking.answer('accept', { typed_id: String(data.id) });

  const hiding = await daemon.client('modern', { SKYBACKUP_SERVICES: 'shop,nosuch' });
  expect(await hiding.call('check_backups', {})).toMatchObject({ data: { verdict: 'warning', count: 1 } });
  expect(await hiding.call('check_backups', { service: 'bare' })).toMatchObject({
    data: { error: { code: 'not_found' } },
  });
});

it('the data go back to the moment before a transaction, of a service whose best backup is chosen', async () => {
  const client = await daemon.client('modern');
  const take = async (type: string): Promise<void> => {
    const started = await client.call('create_backup', { service: 'shop', type });
    const ended = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
    expect(ended).toMatchObject({ data: { outcome: 'done' } });
  };
  await take('full');
  await daemon.sql('shop', "INSERT INTO shop.orders VALUES (900, 'after the backup')");
  const before = await rows();
  await daemon.sql('shop', 'DROP TABLE shop.orders');
  const before_gtid = (await daemon.sql('shop', 'SELECT @@gtid_binlog_pos')).trim();
  await take('binarylog');
  const { data } = await client.call('list_services', { service: 'shop' });
  expect(data.recovery_windows).toContainEqual({
    from: expect.stringMatching(/UTC$/),
    to: expect.stringMatching(/UTC$/),
  });
  const asking = await client.ask('restore_backup', { service: 'shop', before_gtid });
  expect(asking.message).toContain(`before transaction ${before_gtid}`);
  expect(asking.message).toMatch(/Lost: Everything written to shop since the recovery point: about 1 transaction, /);
  const restore = await asking.answer('accept', { typed_id: 'shop' });
  expect(restore).toMatchObject({ isError: false, data: { backup_id: expect.stringContaining(':shop:') } });
  const ended = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
  expect(ended).toMatchObject({ data: { finished: true, outcome: 'done' } });
  expect(await rows()).toBe(before);
  expect(await client.call('restore_backup', { service: 'shop', point_in_time: '2024-03-26 12:00:00' })).toMatchObject({
    data: { error: { code: 'unsupported' } },
    text: expect.stringContaining('nearest moment that works'),
  });
});

it('a running backup is cancelled, a finished one is left alone, and a hidden job is unknown', async () => {
  const client = await daemon.client('modern');
  // A session that holds a table keeps the backup from ending before it is cancelled.
  const holder = daemon.sql('shop', 'LOCK TABLES shop.orders WRITE; SELECT SLEEP(300)').catch(() => undefined);
  const sleeper = "SELECT id FROM information_schema.processlist WHERE info = 'SELECT SLEEP(300)'";
  let session = '';
  while (session === '') session = (await daemon.sql('shop', sleeper)).trim();
  const { data } = await client.call('create_backup', { service: 'shop' });
  const job_id = Number(data.job_id);
  const hidden = await (await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' })).call('cancel_job', { job_id });
  expect(hidden).toMatchObject({ data: { error: { code: 'not_found' } } });
  const asked = await client.call('cancel_job', { job_id });
  expect(asked).toMatchObject({ isError: false, data: { job_id, service_id: 'shop' } });
  expect(await client.call('wait_for', asked.data.wait_for as Record<string, unknown>)).toMatchObject({
    data: { finished: true, status: 'Cancelled' },
  });
  await daemon.sql('shop', `KILL ${session}`);
  await holder;
  expect((await client.call('cancel_job', { job_id })).text).toContain('Nothing to cancel');
  expect(await client.call('cancel_job', { job_id: 999_999 })).toMatchObject({ isError: true });
});

it('a backup is proven by a tool and by the command line, and a hidden one is unknown', async () => {
  const client = await daemon.client('modern');
  const started = await client.call('verify_backup', { service: 'shop' });
  expect(started).toMatchObject({ isError: false, data: { backup_id: expect.stringContaining(':shop:') } });
  const backup = String(started.data.backup_id);
  const hiding = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' });
  for (const args of [{ backup }, { service: 'shop' }]) {
    expect(await hiding.call('verify_backup', args)).toMatchObject({ data: { error: { code: 'not_found' } } });
  }
  const proven = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
  expect(proven).toMatchObject({ data: { finished: true, outcome: 'done', backup_id: backup } });
  expect(proven.text).toContain('is proven');
  expect(await client.call('verify_backup', {})).toMatchObject({ isError: true });

  expect(await daemon.cli(['backups', 'verify', backup, '--quick'])).toContain('are whole');
  const counted = await daemon.cli(['backups', 'verify', backup, '--row-counts']);
  expect(counted).toMatch(/materialising +\d/);
  expect(counted).toMatch(/shop\.orders +\d/);
});

it('what a backup holds is shown by a tool and by the command line, and not of a hidden service', async () => {
  const client = await daemon.client('modern');
  const shown = await client.call('show_backup', { backup: 'latest', service: 'shop', table: 'shop.orders' });
  expect(shown).toMatchObject({
    isError: false,
    data: { count: 1, tables: [{ table: 'shop.orders', engine: 'InnoDB' }] },
  });
  expect(shown.text).toContain('schema shop');
  const backup = String(shown.data.backup_id);
  const all = await client.call('show_backup', { backup, limit: 2 });
  expect(all.data.tables).toHaveLength(2);
  const more = await client.call('show_backup', { backup, limit: 2, cursor: all.data.next_cursor });
  expect(more.data.tables).not.toEqual(all.data.tables);
  // A place in another list: no row of this one is known by it.
  for (const list of [{ backup }, { table: 'shop.orders' }]) {
    const elsewhere = await client.call('show_backup', { ...list, cursor: '1.0.00000000' });
    expect(elsewhere.data.warnings).toEqual([expect.stringContaining('The list has changed')]);
  }
  expect(await client.call('show_backup', { backup, table: 'orders' })).toMatchObject({ isError: true });
  const hiding = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' });
  expect(await hiding.call('show_backup', { backup })).toMatchObject({ data: { error: { code: 'not_found' } } });
  const holding = await client.call('show_backup', { table: 'shop.orders', service: 'shop' });
  expect(holding.data.backups).toContainEqual(expect.objectContaining({ id: backup, table_size: expect.any(String) }));
  expect(await hiding.call('show_backup', { table: 'shop.orders' })).toMatchObject({ data: { count: 0 } });
  expect(await client.call('show_backup', {})).toMatchObject({ isError: true });
  expect(await daemon.cli(['backups', 'show', backup, '--schema', 'shop'])).toMatch(/shop\.orders +InnoDB +\d/);
});

it('what was done near a moment is found, as data', async () => {
  const client = await daemon.client('modern', {}, false);
  await daemon.sql(
    'shop',
    "CREATE TABLE shop.harmed (id INT, note TEXT); INSERT INTO shop.harmed VALUES (7, 'secret'); DROP TABLE shop.harmed;",
  );
  const found = await client.call('find_transactions', { service: 'shop', contains: 'harmed' });
  expect(found).toMatchObject({ isError: false });
  const none = await client.call('find_transactions', { service: 'shop', contains: 'no such words' });
  expect(none).toMatchObject({ isError: false, data: { transactions: [] } });
  expect(none.text).not.toContain('before one of them');
  // Nothing had to be archived for it, and before a restore it is.
  expect(found.text).toMatch(/DROP TABLE .*\[not archived yet\]/);
  const [made, filled, dropped] = (found.data.transactions as { gtid: string; statement: string }[]).slice(-3);
  expect(made?.statement).toContain('CREATE TABLE shop.harmed');
  expect(filled?.statement).toContain('INSERT INTO shop.harmed VALUES (?, …)');
  expect(found.text).toContain(`${dropped?.gtid} `);
  expect(found.text).toContain('(shop.harmed 1 inserted)');
  expect(found.text).not.toContain('secret');
  const archived = await client.call('create_backup', { service: 'shop', type: 'binarylog' });
  await client.call('wait_for', archived.data.wait_for as Record<string, unknown>);
  const again = await client.call('find_transactions', { service: 'shop', contains: 'harmed' });
  expect(again.text).toContain(`${dropped?.gtid} `);
  expect(again.text).not.toContain('not archived yet');
  const hiding = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' }, false);
  expect(await hiding.call('find_transactions', { service: 'shop' })).toMatchObject({
    data: { error: { code: 'not_found' } },
  });
});

it('a service is stopped with a yes alone, and started again', async () => {
  const client = await daemon.client('modern');
  const status = async (): Promise<unknown> => {
    const listed = await client.call('list_services', { service: 'shop' });
    return (listed.data.services as [{ status: string }])[0].status;
  };
  const until = async (wanted: string): Promise<void> => {
    while ((await status()) !== wanted);
  };
  const asking = await client.ask('stop_service', { service: 'shop' });
  expect(asking.message).toContain('lose their connections');
  await asking.answer('decline');
  expect(await status()).toBe('ready');
  const yes = await client.ask('stop_service', { service: 'shop' });
  expect(await yes.answer('accept', { typed_id: 'shop' })).toMatchObject({ isError: false });
  await until('stopped');
  expect((await client.call('stop_service', { service: 'shop' })).text).toContain('is stopped already');
  await client.call('start_service', { service: 'shop' });
  await until('ready');
});

it('a restore is undone after a yes, by the tool and at the terminal', async () => {
  const client = await daemon.client('modern');
  const kept = (await client.call('list_restores', { service: 'shop', limit: 1 })).data.restores as { id: number }[];
  const restore = kept[0]?.id ?? 0;
  expect(kept[0]).toMatchObject({ kept_size: expect.stringMatching(/ [KM]i?B$/), kept_until: expect.any(String) });
  const asking = await client.ask('undo_restore', { id: restore });
  expect(asking.message).toContain(`Undo restore ${restore}`);
  expect(asking.message).toContain('Everything written to shop since the restore');
  const begun = await asking.answer('accept', { typed_id: 'shop' });
  expect(begun).toMatchObject({ isError: false, data: { service_id: 'shop', undo_of: restore } });
  const after = await client.call('wait_for', begun.data.wait_for as Record<string, unknown>);
  expect(after).toMatchObject({ data: { finished: true, outcome: 'done', service_status: 'ready', undo_of: restore } });
  expect(after.text).toContain(`undo_restore with id ${begun.data.id}`);
  expect(await client.call('undo_restore', { id: restore })).toMatchObject({
    isError: true,
    data: { error: { code: 'nothing_to_undo' } },
  });
  expect(await daemon.cli(['restores', 'kept'])).toMatch(new RegExp(`^${begun.data.id} +shop`, 'm'));
  const typed = ['restores', 'undo', String(begun.data.id), '--confirm', 'shop'];
  expect(await daemon.cli(typed)).toContain(`Restore ${begun.data.id} is undone`);
  expect(await daemon.cli(['restores', 'list', 'shop'])).toContain(`undoes ${begun.data.id}`);
  const hidden = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' }, false);
  expect(await hidden.call('undo_restore', { id: restore })).toMatchObject({ data: { error: { code: 'not_found' } } });
});

it('the record of a restore is deleted after a yes, which is told of the data that it names', async () => {
  const client = await daemon.client('modern');
  const listed = await client.call('list_restores', { service: 'shop' });
  const restores = listed.data.restores as { id: number; kept_data?: string }[];
  const id = (restores.find(({ kept_data }) => kept_data !== undefined) ?? restores[0])?.id ?? 0;
  const asking = await client.ask('delete_restore', { id });
  expect(asking.message).toContain(`Delete the record of restore ${id} of service shop`);
  expect(await asking.answer('accept', { typed_id: String(id) })).toMatchObject({ data: { id, deleted: true } });
  expect(await client.call('list_restores', { id })).toMatchObject({ data: { error: { code: 'not_found' } } });
  expect(await client.call('list_restores', { service: 'shop' })).toMatchObject({
    data: { count: Number(listed.data.count) - 1 },
  });
});

it('a backup is found by words, and refused for another service; moments are read before the daemon is asked', async () => {
  const client = await daemon.client('modern', {}, false);
  const [newest] = (await client.call('list_backups', { service: 'shop', id: 'newest' })).data.backups as {
    id: string;
  }[];
  const before = { backup: 'latest before 1 second ago', service: 'shop' };
  // The newest may be of this very second.
  await expect.poll(async () => (await client.call('show_backup', before)).data.backup_id).toBe(newest?.id);
  const older = await client.call('list_backups', { service: 'shop', id: 'latest before 2020-01-01 00:00' });
  expect(older).toMatchObject({ isError: true, data: { error: { code: 'not_found' } } });
  const foreign = await client.call('show_backup', { backup: newest?.id, service: 'bare' });
  expect(foreign.text).toContain('is of shop, not of bare');
  const found = await client.call('find_transactions', { service: 'shop', from: '3 hours ago', to: 'now' });
  expect(found).toMatchObject({ isError: false });
  for (const from of ['3:00', 'yesterday 10:00 EST', '03/04/2026']) {
    const refused = await client.call('find_transactions', { service: 'shop', from });
    expect(refused).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    expect(refused.text).toMatch(/^from[ :]/);
  }
});

it('a backup becomes a new service without a plan, and a person removes it again', async () => {
  const client = await daemon.client('modern', {}, false);
  const source = { target: 'new', backup: 'latest', source: 'shop' };
  const started = await client.call('restore_backup', { ...source, service: 'look-inside', tables: ['shop.*'] });
  expect(started).toMatchObject({ isError: false, data: { service_id: 'look-inside', wait_for: { kind: 'restore' } } });
  expect(started.text).toContain('Nothing is replaced');
  const made = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
  expect(made).toMatchObject({ isError: false, data: { finished: true, outcome: 'done' } });
  for (const command of ['connect', 'remove']) expect(made.text).toContain(`skybackup services ${command} look-inside`);
  expect(await daemon.sql('look-inside', 'SELECT COUNT(*) > 0 FROM shop.orders')).toBe('1');
  expect((await client.call('list_restores', { service: 'look-inside' })).text).toContain('into the new service');
  await expect(daemon.cli(['services', 'remove', 'look-inside'])).rejects.toThrow('needs a person');
  await expect(daemon.cli(['services', 'remove', 'look-inside', '--confirm', 'shop'])).rejects.toThrow(
    'nothing was done',
  );
  expect(await daemon.cli(['services', 'remove', 'look-inside', '--confirm', 'look-inside'])).toContain('are removed');
  expect((await client.call('list_services', {})).text).not.toContain('look-inside');

  const hiding = await daemon.client('modern', { SKYBACKUP_SERVICES: 'shop' }, false);
  for (const args of [source, { ...source, service: 'unseen' }]) {
    const refused = await hiding.call('restore_backup', args);
    expect(refused).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    expect(refused.text).toContain('SKYBACKUP_SERVICES');
  }
});

it('SKYBACKUP_SERVICES hides a service from plans, too: a hidden schedule and backup answer like unknown ones', async () => {
  const all = await daemon.client('modern', {}, false);
  const schedule = (await all.call('create_schedule', { service: 'shop', cron: '0 3 * * *' })).data.id;
  const [{ id: backup }] = (await all.call('list_backups', {})).data.backups as [{ id: string }];
  const client = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' }, false);
  const replies = [
    await client.call('delete_schedule', { id: schedule }),
    await client.call('update_schedule', { id: schedule, suspended: true }),
    await client.call('list_backups', { id: backup }),
    await client.call('restore_backup', { service: 'shop', backup }),
    await client.call('wait_for', { kind: 'job', id: 1 }),
    await client.call('wait_for', { kind: 'restore', id: 1 }),
  ];
  for (const { data } of replies) expect(data).toMatchObject({ error: { code: 'not_found' } });
  expect(await client.call('list_services', {})).toMatchObject({ data: { count: 0 } });
  expect(await daemon.cli(['plans', 'list'])).not.toContain(`schedule ${schedule} `);
});

describe('refusals say what to do', () => {
  it.each([
    ['create_backup', { service: 'nope' }, 'not_found'],
    ['create_backup', { service: 'shop', type: 'snapshot' }, 'invalid_request'],
    ['create_schedule', { service: 'shop', cron: '0 3 * *' }, 'invalid_schedule'],
    ['restore_backup', { service: 'shop', backup: 'latest', point_in_time: '2024-03-26 12:00:00' }, 'unsupported'],
    ['restore_backup', { backup: 'latest' }, 'invalid_request'],
    ['restore_backup', { service: 'shop', backup: 'latest', tables: ['shop.*'] }, 'invalid_request'],
    ['restore_backup', { target: 'new', backup: 'latest' }, 'invalid_request'],
    ['restore_backup', { target: 'new', service: 'shop', backup: 'latest', source: 'shop' }, 'conflict'],
    ['wait_for', { kind: 'job', id: 999_999 }, 'not_found'],
    ['delete_schedule', { id: 999_999 }, 'not_found'],
  ])('%s %j → %s', async (tool, args, code) => {
    const client = await daemon.client('modern');
    const reply = await client.call(tool, args);
    expect(reply).toMatchObject({ isError: true, data: { error: { code, hint: expect.any(String) } } });
  });
});
