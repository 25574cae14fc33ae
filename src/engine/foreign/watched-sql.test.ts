import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WatchedSql } from './watched-sql.ts';

const dump = `-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB
CHANGE MASTER TO MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=330;
CREATE TABLE t (
  a TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE u (
  a TEXT
) ENGINE=MyISAM;
INSERT INTO t VALUES ('a\\nGRANT ALL ON *.* TO x;\\n) ENGINE=Spider'),('ü');
DELIMITER ;;
CREATE PROCEDURE p() BEGIN
GRANT SELECT ON shop.* TO reader;
FLUSH TABLES;
END ;;
DELIMITER ;
CREATE USER reader@localhost;
GRANT USAGE ON *.* TO \`reader\`@\`localhost\`;
/*M!100005 SET DEFAULT ROLE NONE FOR 'reader'@'localhost' */;
/*M!100005 SET DEFAULT ROLE 'app' FOR 'reader'@'localhost' */;
/*M!100005 SET DEFAULT ROLE 'app' FOR 'reader'@'localhost', GLOBAL general_log_file = '/x' */;
/*! FLUSH PRIVILEGES */ ;
SET GLOBAL gtid_slave_pos='0-1-7';
-- Dump completed on 2026-01-01  0:00:00
`;

async function run(pieces: readonly Buffer[]): Promise<{ given: string; sql: WatchedSql }> {
  const sql = new WatchedSql('s3://bucket/dump.sql', Buffer.from(dump));
  const given: Buffer[] = [];
  for await (const piece of sql.through(
    (async function* () {
      yield* pieces;
    })(),
  )) {
    given.push(piece);
  }
  return { given: Buffer.concat(given).toString(), sql };
}

function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const at = [0, ...[...places].map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

test('what gives rights is kept apart, what would reach the server is dropped, all else is given, however it comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 100_000 }), { maxLength: 30 }), async (places) => {
      const { given, sql } = await run(cut(dump, places));
      const kept = dump.split('\n').filter((line, index, lines) => {
        const inRoutine =
          lines.slice(0, index).lastIndexOf('DELIMITER ;;') > lines.slice(0, index).lastIndexOf('DELIMITER ;');
        return inRoutine || !/^(?:CHANGE MASTER|GRANT|SET GLOBAL|\/\*M|\/\*! FLUSH)/.test(line);
      });
      expect(given.split('\n').filter((line) => line !== '')).toEqual(kept.filter((line) => line !== ''));
      expect(sql.grants).toEqual([
        'GRANT USAGE ON *.* TO `reader`@`localhost`',
        "/*M!100005 SET DEFAULT ROLE 'app' FOR 'reader'@'localhost' */",
      ]);
      expect([...sql.engines]).toEqual(['InnoDB', 'MyISAM']);
      expect(sql.gtid).toBe('0-1-7');
    }),
  );
});

test('a dump without its last line is not whole', async () => {
  const short = dump.slice(0, dump.indexOf('-- Dump completed'));
  await expect(run([Buffer.from(short)])).rejects.toMatchObject({ code: 'backup_damaged' });
});
