import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';

/** What dumps are known to lose or to stumble over, beside the ordinary sample data. */
export const hardSchema = `
SET NAMES utf8mb4;
CREATE DATABASE hard CHARACTER SET utf8mb4;
CREATE DATABASE empty_one CHARACTER SET latin2;
CREATE DATABASE \`we\`\`ird $ "name' é漢\`;
CREATE TABLE \`we\`\`ird $ "name' é漢\`.\`t\`\`able 漢; -- x\` (\`co\`\`l é\` INT PRIMARY KEY, b BIT(17), e ENUM('a''b','ü') COMMENT 'line\\none; -- two');
INSERT INTO \`we\`\`ird $ "name' é漢\`.\`t\`\`able 漢; -- x\` VALUES (1, b'10101010101010101', 'a''b'), (2, NULL, 'ü');
USE hard;
CREATE TABLE texts (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, u VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, l VARCHAR(20) CHARACTER SET latin1);
INSERT INTO texts (t, u, l) VALUES ('🎉 \\0 \\Z \\r\\n''"\\\\ \\t', '🙂𝄞', 'é'), ('', NULL, ''), ('\\n--\\n-- Current Database: \`hard\`\\n--\\n\\nUSE \`hard\`;\\n', 'x', 'y');
INSERT INTO texts (id, t) VALUES (100, 'gap');
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO texts (id, t) VALUES (0, 'zero');
CREATE TABLE dates (d DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, y YEAR, t TIME(6));
INSERT INTO dates VALUES ('0000-00-00', '0000-00-00 00:00:00', '2026-03-29 01:30:00.123', 2026, '-838:59:59'), ('2026-02-00', '9999-12-31 23:59:59.999999', NULL, 0, '00:00:00.000001');
SET SESSION sql_mode = DEFAULT;
CREATE TABLE bytes (id INT PRIMARY KEY, b BIT(64), lb LONGBLOB, vb VARBINARY(300), g GEOMETRY, u UUID, i INET6, f DOUBLE, j JSON);
INSERT INTO bytes VALUES (1, b'1', UNHEX('000A0D1A275C22FF'), '', ST_GeomFromText('POINT(1 2)'), '123e4567-e89b-12d3-a456-426614174000', '::1', 1.7976931348623157e308, '{"a": "\\\\u00e9"}'),
  (2, NULL, REPEAT(UNHEX('00FF'), 6500000), NULL, NULL, NULL, NULL, 0.1, NULL);
CREATE TABLE made (a INT, b INT AS (a * 2) VIRTUAL, c INT AS (a + 1) PERSISTENT, h INT INVISIBLE DEFAULT 5, CHECK (a < 1000), KEY (c));
INSERT INTO made (a, h) VALUES (1, 7), (2, 8);
CREATE SEQUENCE counted START WITH 5 INCREMENT BY 3 CYCLE MAXVALUE 500;
DO NEXT VALUE FOR counted;
CREATE TABLE parent (id INT PRIMARY KEY, child INT);
CREATE TABLE a_child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id));
INSERT INTO parent VALUES (1, 1); INSERT INTO a_child VALUES (1, 1);
CREATE USER owner@localhost IDENTIFIED BY 'owner-secret-1' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 1000;
GRANT SELECT ON hard.texts TO owner@localhost;
GRANT SELECT (id), UPDATE (child) ON hard.parent TO owner@localhost;
CREATE USER locked@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING '*0F3146943B2A2E047EBE71DE8D7CF670A45A00AF' ACCOUNT LOCK;
CREATE USER 'o''dd na-me'@'10.0.0.0/255.0.0.0' IDENTIFIED BY 'odd-secret-1';
CREATE ROLE staff; CREATE ROLE seniors;
GRANT SELECT, INSERT ON shop.* TO staff; GRANT staff TO seniors; GRANT seniors TO owner@localhost WITH ADMIN OPTION;
SET DEFAULT ROLE seniors FOR owner@localhost;
CREATE DEFINER=owner@localhost VIEW v_base AS SELECT id, t FROM texts;
CREATE DEFINER=owner@localhost VIEW v_a_on_base AS SELECT id FROM v_base WHERE id > 0;
CREATE USER gone@localhost; GRANT SELECT ON hard.* TO gone@localhost;
CREATE DEFINER=gone@localhost VIEW v_gone AS SELECT id FROM texts;
CREATE VIEW v_on_gone AS SELECT id FROM v_gone;
CREATE TABLE doomed (id INT); CREATE VIEW v_dead AS SELECT id FROM doomed; DROP TABLE doomed;
DELIMITER //
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC COMMENT 'f ''é'
BEGIN
  -- a body; with "quotes", \`ticks\`, 🎉 and a line
  RETURN n * 2;
END//
CREATE DEFINER=gone@localhost PROCEDURE \`od\`\`d; proc\`(INOUT x VARCHAR(10) CHARACTER SET latin1) SQL SECURITY INVOKER BEGIN SET x = 'é;'; END//
CREATE TRIGGER made_bi BEFORE INSERT ON made FOR EACH ROW BEGIN SET NEW.h = COALESCE(NEW.h, 9); END//
CREATE TRIGGER made_bi2 BEFORE INSERT ON made FOR EACH ROW PRECEDES made_bi SET NEW.a = NEW.a//
CREATE DEFINER=gone@localhost EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'ü' DO SET @a = 1//
DELIMITER ;
CREATE VIEW v_uses_f AS SELECT twice(a) AS x FROM made;
GRANT EXECUTE ON FUNCTION hard.twice TO staff;
GRANT EXECUTE ON PROCEDURE hard.\`od\`\`d; proc\` TO owner@localhost;
DROP USER gone@localhost;
DROP USER IF EXISTS root@'127.0.0.1', root@'::1';
`;

const own = "NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')";

/** SHOW CREATE of everything that is no row, and the grants of every account, by name. */
export async function allDefinitions(of: Pick<TestMariadbd, 'connection'>): Promise<Record<string, unknown>> {
  const server = await connect(of.connection);
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  const all: Record<string, unknown> = {};
  const ask = async (sql: string): Promise<void> => {
    const rows = await server.query<Record<string, unknown>>(sql);
    // When it was made is the server's own; and one PROXY grant, given again, is listed twice.
    const seen = rows.map(({ Created: _created, ...row }) => JSON.stringify(row));
    all[sql] = [...new Set(seen)];
  };
  try {
    const names = async (sql: string) => server.query<{ kind: string; s: string; n: string }>(sql);
    const objects = [
      ...(await names(
        `SELECT 'DATABASE' AS kind, SCHEMA_NAME AS s, '' AS n FROM information_schema.SCHEMATA WHERE SCHEMA_NAME ${own}`,
      )),
      ...(await names(`SELECT IF(TABLE_TYPE = 'VIEW', 'VIEW', IF(TABLE_TYPE = 'SEQUENCE', 'SEQUENCE', 'TABLE')) AS kind, TABLE_SCHEMA AS s, TABLE_NAME AS n
        FROM information_schema.TABLES WHERE TABLE_SCHEMA ${own} AND TABLE_NAME NOT IN ('v_dead', 'v_on_gone')`)),
      ...(await names(
        `SELECT ROUTINE_TYPE AS kind, ROUTINE_SCHEMA AS s, ROUTINE_NAME AS n FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA ${own}`,
      )),
      ...(await names(
        `SELECT 'TRIGGER' AS kind, TRIGGER_SCHEMA AS s, TRIGGER_NAME AS n FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA ${own}`,
      )),
      ...(await names(`SELECT 'EVENT' AS kind, EVENT_SCHEMA AS s, EVENT_NAME AS n FROM information_schema.EVENTS`)),
    ];
    for (const { kind, s, n } of objects) {
      await ask(`SHOW CREATE ${kind} ${quote(s)}${n === '' ? '' : `.${quote(n)}`}`);
    }
    await ask('SELECT * FROM hard.counted');
    await ask('SELECT id, price FROM shop.prices FOR SYSTEM_TIME ALL ORDER BY 1, 2');
    await ask(`SELECT TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS ORDER BY 1`);
    // Those of this machine's name are not in force without name resolution, and the server denies knowing them.
    const accounts = await server.query<{ u: string; h: string; role: string }>(
      "SELECT User AS u, Host AS h, is_role AS role FROM mysql.user WHERE Host IN ('localhost', '%', '') OR Host LIKE '10.%' ORDER BY 1, 2",
    );
    for (const { u, h, role } of accounts) {
      const name = role === 'Y' ? quote(u) : `${quote(u)}@${quote(h)}`;
      if (role !== 'Y') await ask(`SHOW CREATE USER ${name}`);
      await ask(`SHOW GRANTS FOR ${name}`);
    }
    return all;
  } finally {
    await server.close();
  }
}
