import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { inputOf, recordedJob } from '../backup/backup-world.ts';
import { testJob } from './sample-backup.ts';
import { ask } from './scene.ts';

/** Accounts as servers keep them whose plugin was loaded once: this server has it no more than the target has. */
const accounts = `
  CREATE ROLE reader; GRANT SELECT ON a.* TO reader;
  CREATE USER \`ed o'\`@'%' IDENTIFIED BY 'x' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;
  GRANT SELECT, INSERT ON *.* TO \`ed o'\`@'%' WITH GRANT OPTION; GRANT reader TO \`ed o'\`@'%'; SET DEFAULT ROLE reader FOR \`ed o'\`@'%';
  CREATE USER two@'%' IDENTIFIED BY 'y'; GRANT UPDATE ON a.* TO two@'%';
  CREATE DEFINER = \`ed o'\`@'%' SQL SECURITY DEFINER VIEW a.v AS SELECT COUNT(*) AS n FROM a.t;
  CREATE DEFINER = \`ed o'\`@'%' SQL SECURITY DEFINER VIEW a.above AS SELECT n FROM a.v;
  CREATE USER after@'%' IDENTIFIED BY 'z';
  UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'ed25519', '$.authentication_string', 'aGFzaA\\'"\\\\') WHERE User = 'ed o\\'';
  UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'pam', '$.authentication_string', 'maria', '$.auth_or', JSON_ARRAY(JSON_OBJECT('plugin', 'gssapi', 'authentication_string', 'x@Y'), JSON_OBJECT())) WHERE User = 'two';
  FLUSH PRIVILEGES;`;

/** The database whose tables count by them comes first in a dump, the one that has them last. */
const sequences = `
  CREATE DATABASE a; CREATE DATABASE \`z\`\`z\` CHARACTER SET latin1 COLLATE latin1_german1_ci;
  CREATE SEQUENCE \`z\`\`z\`.\`s q\` START WITH 7 INCREMENT BY 2; CREATE SEQUENCE \`z\`\`z\`.unnamed;
  CREATE TABLE a.t (id INT DEFAULT (NEXT VALUE FOR \`z\`\`z\`.\`s q\`), was INT DEFAULT (LASTVAL(\`z\`\`z\`.\`s q\`)), w VARCHAR(60) DEFAULT 'nextval(\`none\`.\`such\`)');
  INSERT INTO a.t () VALUES (), (); CREATE TABLE \`z\`\`z\`.own (id INT DEFAULT (NEXT VALUE FOR \`z\`\`z\`.\`s q\`)); INSERT INTO \`z\`\`z\`.own VALUES (), ();`;

const questions = [
  "SELECT User, Host, JSON_REMOVE(Priv, '$.password_last_changed') AS priv FROM mysql.global_priv WHERE User IN ('ed o''', 'two', 'after', 'reader') ORDER BY 1",
  "SELECT User, Host, Db, Select_priv, Update_priv FROM mysql.db WHERE User IN ('two', 'reader') ORDER BY 1",
  "SELECT User, Host, Role FROM mysql.roles_mapping WHERE Role = 'reader' AND User LIKE 'ed%'",
  "SHOW GRANTS FOR `ed o'`@'%'",
  'SHOW CREATE DATABASE `z``z`',
  'SHOW CREATE SEQUENCE `z``z`.`s q`',
  'SHOW CREATE TABLE a.t',
  'SHOW CREATE VIEW a.above',
  'SELECT next_not_cached_value FROM `z``z`.`s q`',
];

describe('a dump of a server with sequences of other databases and logins by plugins', () => {
  let place: TestHome;
  let server: TestMariadbd;
  let target: ServiceRecord;
  let dump: Manifest;
  beforeAll(async () => {
    place = temporaryHome();
    [server, target] = await Promise.all([startMariadbd(), managedService(place.home, 'target')]);
    await server.sql(sequences + accounts);
    dump = await takeDump(inputOf(server), recordedJob());
  });
  afterAll(async () => {
    await server.stop();
    await place.dispose();
  });
  const answers = async (of: Parameters<typeof ask>[0]): Promise<unknown[]> => {
    const all: unknown[] = [];
    for (const question of questions) all.push(await ask(of, question));
    return all;
  };
  const tables = async (of: Parameters<typeof ask>[0]): Promise<unknown> =>
    Object.entries(await checksums(of.connection)).filter(([name]) => !name.startsWith('mysql.'));

  it('is restored whole: accounts whose plugin is not loaded are brought as they are, and named', async () => {
    const { repository } = inputOf(server);
    const outcome = await restoreBackup(
      {
        restoreId: 1,
        target,
        source: { backups: [dump] },
        repository,
        home: place.home,
        newIncarnation: randomUUID(),
        highestGtids: '',
        beforeSwap: () => {},
      },
      testJob(),
    );
    expect(outcome.warnings).toEqual([
      expect.stringMatching(
        /^These accounts log in by a plugin .*: ed o'@% \(ed25519\), two@% \(pam\)\..*nobody can log in as them\.$/,
      ),
    ]);
    expect(await answers(target)).toEqual(await answers(server));
    expect(await tables(target)).toEqual(await tables(server));
    const next = 'INSERT INTO a.t () VALUES () RETURNING id';
    expect(Number((await ask<{ id: number }>(target, next))[0]?.id)).toBeGreaterThan(10);
  });

  it('is imported whole by hand into an empty server', async () => {
    await using empty = await startMariadbd();
    const file = join(server.root, 'repository', dump.objects[0].key);
    await execa('sh', [
      '-c',
      'zstd -d <"$0" | mariadb --no-defaults --max-allowed-packet=1G --socket="$1" -uroot',
      file,
      empty.socket,
    ]);
    expect(await answers(empty)).toEqual(await answers(server));
    expect(await tables(empty)).toEqual(await tables(server));
  });
});
