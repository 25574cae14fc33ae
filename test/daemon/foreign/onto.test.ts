import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/contract/plans.ts';
import { cleanEnvironment } from '../../servers/daemon.ts';
import { type ManagedScene, managedScene } from '../managed-scene.ts';
import { type ForeignWorld, foreignWorld, writtenBy } from './foreign-world.ts';

const program = `${import.meta.dirname}/../../../src/cli/main.ts`;
const base = '/skybackup/v1';

let world: ForeignWorld;
let scene: ManagedScene;
beforeAll(async () => {
  world = await foreignWorld();
  scene = await managedScene(world.daemon, 'dbtgf28044362');
  await scene.sql(
    "DROP DATABASE shop; CREATE DATABASE own; CREATE TABLE own.t SELECT 1 AS id; CREATE USER clerk@localhost IDENTIFIED BY 'clerk-secret'; GRANT SELECT ON own.* TO clerk@localhost; GRANT SELECT ON shop.* TO clerk@localhost;",
  );
  await world.put('backup.tar.gz', 'tar -C $RAW -czf - .');
});
afterAll(() => world?.dispose());

/** The daemon's answer as JSON, to an administrator's key over TCP, sent as the documentation does. */
async function post(
  url: string,
  key: string,
  body: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe("the documentation's own requests", () => {
  it.each([
    ['', 'tar -C $RAW -czf - .'],
    ['my_encryption_key', 'tar -C $RAW -czf - . | openssl enc -aes-256-cbc -k my_encryption_key 2>/dev/null'],
  ])('with the encryption key "%s"', async (encryption_key, pipe) => {
    const key = `documented${encryption_key}.tar.gz`;
    await world.put(key, pipe);
    const admin = (await world.daemon.api.daemon.createKey({ role: 'administrator' })).key;
    const { status, body } = await post(`${world.daemon.url()}${base}/restores`, admin, {
      service_id: scene.id,
      key: `/${key}`,
      external_source: {
        bucket: world.bucket.replace(/\/$/, ''),
        method: 'mariabackup',
        credentials: world.credentials,
        ...(encryption_key === '' ? {} : { encryption_key }),
      },
    });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toMatchObject({ service_id: scene.id, key: `/${key}`, bucket: world.bucket.replace(/\/$/, '') });
    expect(await world.daemon.ended(Number(body.job_id))).toMatchObject({ status: 'Succeeded' });
    expect(await world.tablesOf(scene.id)).toEqual(world.wanted);
    const { backup_id, users_from, kept_data } = await world.daemon.api.getRestore(Number(body.id));
    expect(backup_id).toBe(`/${key}`);
    expect(users_from).toBe(`${world.bucket}${key}`);
    expect(kept_data).toContain('data.before-restore-');
    expect(writtenBy(world.daemon)).not.toContain(world.credentials);
    expect(writtenBy(world.daemon)).not.toContain('a-secret-of-the-tests');
  });

  it('is undone as every restore', async () => {
    const [newest] = (await world.daemon.api.listRestores({ order: 'desc', page_size: 1 })).items;
    const undo = await world.daemon.request('POST', `${base}/restores/${newest?.id}/undo`);
    expect(await world.daemon.ended(Number(undo.body.job_id))).toMatchObject({ status: 'Succeeded' });
  });
});

describe('a plan', () => {
  const request = (encryption_key?: string) => ({
    service_id: scene.id,
    id: '/backup.tar.gz',
    external_source: {
      bucket: world.bucket,
      method: 'mariabackup',
      credentials: world.credentials,
      ...(encryption_key === undefined ? {} : { encryption_key }),
    },
  });
  const plan = async (args: unknown): Promise<Plan> => {
    const body = { operation: 'restore_backup', arguments: args };
    const answer = await world.daemon.request('POST', `${base}/plans`, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body as unknown as Plan;
  };
  const approve = (id: string) =>
    world.daemon.request('POST', `${base}/plans/${id}/approve`, { channel: 'terminal', typed_id: scene.id });

  it('tells what is known of the object and what is not, and keeps no secret', async () => {
    const { facts, arguments: args } = await plan(request('an unneeded key'));
    expect(facts.replaced_by).toMatch(
      new RegExp(
        `^${world.bucket}backup.tar.gz \\(.*, written 20.* UTC\\); by its first bytes a tar of files in gzip$`,
      ),
    );
    expect(facts.size_bytes).toBeUndefined();
    const words = facts.warnings.join('\n');
    expect(words).toMatch(/nothing is known before it is unpacked/);
    expect(words).toMatch(/gets the users, passwords and grants of the backup/);
    expect(words).toMatch(/nothing of the object is encrypted/);
    expect(JSON.stringify(args)).not.toContain(world.credentials);
    expect(writtenBy(world.daemon)).not.toContain(world.credentials);
    expect(writtenBy(world.daemon)).not.toContain('an unneeded key');
  });

  it('is carried out with the same secrets, and not with others', async () => {
    const { id } = await plan(request());
    await approve(id);
    const other = await world.daemon.request('POST', `${base}/restores`, { ...request('another key'), plan_id: id });
    expect(other.body.errors?.[0]).toMatchObject({ error: 'plan_mismatch' });
    const done = await world.daemon.request('POST', `${base}/restores`, { ...request(), plan_id: id });
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    expect(await world.daemon.ended(Number(done.body.job_id))).toMatchObject({ status: 'Succeeded' });
    expect(await world.tablesOf(scene.id)).toEqual(world.wanted);
  });

  it('is void when the object is another one by then', async () => {
    const { id } = await plan(request());
    await approve(id);
    const store = world.s3.store({ prefix: 'foreign' });
    await store.delete('backup.tar.gz');
    await world.put('backup.tar.gz', 'tar -C $BACKUP -czf - .');
    const done = await world.daemon.request('POST', `${base}/restores`, { ...request(), plan_id: id });
    expect(done.body.errors?.[0]).toMatchObject({ error: 'target_changed' });
  });

  it.each(['requester', 'operator', 'viewer'] as const)('is not for a %s, nor is what it plans', async (role) => {
    const { key } = await world.daemon.api.daemon.createKey({ role });
    const headers = { 'x-api-key': key };
    const body = { operation: 'restore_backup', arguments: request() };
    for (const [path, sent] of [
      ['plans', body],
      ['restores', request()],
      ['restores', { ...request(), service_id: undefined, target: 'new' }],
      ['restores', { target: 'new', id: '/passwd', external_source: { bucket: 'file:///etc', method: 'mysqldump' } }],
    ] as const) {
      const answer = await world.daemon.request('POST', `${base}/${path}`, sent, headers);
      expect(answer.status).toBe(403);
    }
  });
});

describe('a dump', () => {
  const as = { method: 'mysqldump' };

  it('without accounts leaves the target those that it has', async () => {
    await scene.sql(
      "CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 'clerk-secret'; GRANT SELECT ON shop.* TO clerk@localhost",
    );
    await world.put('shop.sql.gz', "mariadb-dump $LOGIN --databases shop 'odd name-1' --routines --events | gzip");
    const { restore, job } = await world.restored('shop.sql.gz', { service_id: scene.id }, as);
    expect(job, JSON.stringify(job)).toMatchObject({ status: 'Succeeded' });
    expect(restore.users_from).toBe(scene.id);
    expect(await scene.sql('SHOW GRANTS FOR clerk@localhost')).toContain('GRANT SELECT ON `shop`.*');
    expect(await scene.sql('SELECT COUNT(*) FROM shop.orders')).toBe('3000');
    expect(await scene.sql('SELECT @@gtid_binlog_state')).not.toBe('');
  });

  const tricks: Record<string, [RegExp, (place: string) => string]> = {
    'a command of the client to a shell': [/Unknown command/, (place) => `\\! touch ${place}`],
    'its word for one': [/error in your SQL syntax/, (place) => `system touch ${place}`],
    'a file to be read by the client': [/error in your SQL syntax/, (place) => `source ${place}`],
    'a file to be written by the client': [/error in your SQL syntax/, (place) => `tee ${place}`],
    'a file of the client as rows': [
      /disabled the local infile/,
      () => "CREATE DATABASE d; CREATE TABLE d.t (a TEXT); LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE d.t;",
    ],
    'a file of the server as rows': [
      /Access denied/,
      () => "CREATE DATABASE d; CREATE TABLE d.t (a TEXT); LOAD DATA INFILE '/etc/passwd' INTO TABLE d.t;",
    ],
    'a file written by the server': [/the FILE privilege/, (place) => `SELECT 'x' INTO OUTFILE '${place}';`],
    'a log written elsewhere': [/the SUPER privilege/, (place) => `SET GLOBAL general_log_file = '${place}';`],
    'a log written elsewhere, by a routine of another account': [
      /does not exist/,
      (place) =>
        `CREATE DATABASE d; USE d;\nDELIMITER ;;\nCREATE DEFINER=\`skybackup_private\`@\`localhost\` PROCEDURE p() SQL SECURITY DEFINER SET GLOBAL general_log_file = '${place}' ;;\nDELIMITER ;\nCALL p();`,
    ],
    'rights that it writes itself': [
      /the SUPER privilege/,
      (place) =>
        `UPDATE mysql.global_priv SET priv = JSON_SET(priv, '$.access', 18446744073709551615);\nFLUSH PRIVILEGES;\nSET GLOBAL general_log_file = '${place}';`,
    ],
    'another server to follow': [
      /REPLICATION SLAVE ADMIN/,
      () => "CHANGE MASTER TO MASTER_HOST='127.0.0.1';\nSTART SLAVE;",
    ],
    'the end of the server': [/the SHUTDOWN privilege/, () => 'SHUTDOWN;'],
  };
  it.each(Object.entries(tricks))('that holds %s is refused', async (name, [words, text]) => {
    const place = `${world.folder}/reached-${name.replaceAll(/\W/g, '-')}`;
    const key = `trick-${name.replaceAll(/\W/g, '-')}.sql`;
    await world.putBytes(key, Buffer.from(`-- a dump\n${text(place)}\n`));
    const before = await scene.checksums();
    const { job } = await world.restored(key, { service_id: scene.id }, as);
    expect(job).toMatchObject({ status: 'Failed' });
    expect(job.error?.message).toMatch(words);
    expect((await execa('ls', [world.folder])).stdout).not.toContain('reached');
    expect(await scene.checksums()).toEqual(before);
  });
});

describe('at a terminal', () => {
  const run = (words: string[]) =>
    execa(process.execPath, [program, 'restores', 'bring', ...words], {
      env: { ...cleanEnvironment(), SKYBACKUP_HOME: world.daemon.home.root },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
    });

  it('a person brings one into a new service, or types the id of the one it replaces', async () => {
    const credentials = `${world.folder}/credentials`;
    const key = `${world.folder}/key`;
    await execa('bash', ['-c', 'cat > "$FILE"'], {
      env: { FILE: credentials },
      input: Buffer.from(world.credentials, 'base64'),
    });
    await execa('bash', ['-c', 'echo "the key of the test" > "$FILE"'], { env: { FILE: key } });
    await world.put(
      'cli.xb.gz',
      "tar -C $BACKUP -cf - . | gzip -1 | openssl enc -aes-256-cbc -pbkdf2 -k 'the key of the test'",
    );
    const words = [
      `${world.bucket}cli.xb.gz`,
      '--method',
      'mariabackup',
      '--credentials-file',
      credentials,
      '--encryption-key-file',
      key,
    ];
    const made = await run([...words, '--id', 'brought']);
    expect(made.exitCode, made.stderr).toBe(0);
    expect(await world.tablesOf('brought')).toEqual(world.wanted);
    const asked = await run([...words, '--onto', scene.id]);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain(`--confirm ${scene.id}`);
    const done = await run([...words, '--onto', scene.id, '--confirm', scene.id]);
    expect(done.exitCode, done.stderr).toBe(0);
    expect(await world.tablesOf(scene.id)).toEqual(world.wanted);
    expect(`${made.stderr}${done.stderr}`).not.toContain('the key of the test');
  });

  it('a tool says who restores what others made', async () => {
    const { stdout } = await execa(
      process.execPath,
      [
        program,
        'call',
        'restore_backup',
        JSON.stringify({ target: 'new', backup: `${world.bucket}cli.xb.gz` }),
        '--json',
      ],
      {
        env: { ...cleanEnvironment(), SKYBACKUP_HOME: world.daemon.home.root },
        extendEnv: false,
        stdin: 'ignore',
        reject: false,
      },
    );
    expect(stdout).toContain('skybackup restores bring');
  });
});
