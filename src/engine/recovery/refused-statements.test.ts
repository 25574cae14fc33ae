import { describe, expect, it } from 'vitest';
import { refuseStatement } from './refused-statements.ts';

describe('statements of a log that are not replayed', () => {
  it.each([
    "CREATE TABLE t (a INT) DATA DIRECTORY='/srv/other'",
    "create table t (a int) data\n directory = '/x'",
    "/* from a tool */ CREATE TABLE t (a INT) ENGINE=MyISAM INDEX DIRECTORY='/x'",
    "CREATE TABLE t (a INT) /*!50100 PARTITION BY HASH (a) (PARTITION p0 DATA DIRECTORY = '/x') */",
    "ALTER TABLE t ENGINE=FEDERATED CONNECTION='mysql://a@b/c'",
    'CREATE TABLE t (a INT) ENGINE Spider',
    "CREATE OR REPLACE TABLE t (a INT) ENGINE='CONNECT'",
    'CREATE TABLE t (a INT) ENGINE = `connect`',
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t",
    "/* x */ load data infile '/etc/passwd' into table t",
  ])('refuses %j', (text) => {
    expect(() => refuseStatement(text, 'shop', '0-1-7')).toThrowError(/0-1-7/);
  });

  it.each([
    "INSERT INTO t VALUES ('DATA DIRECTORY')",
    "CREATE TABLE t (a INT COMMENT 'no DATA DIRECTORY here; ENGINE=CONNECT')",
    'CREATE TABLE `DATA DIRECTORY` (a INT)',
    'CREATE TABLE t (a INT) -- DATA DIRECTORY\n ENGINE=InnoDB',
    'CREATE TABLE t (a INT) /* ENGINE=SPIDER */ ENGINE=Aria',
    "CREATE TABLE t (a VARCHAR(9) DEFAULT 'it''s') # ENGINE=CONNECT",
    "UPDATE t SET v = 'LOAD DATA LOCAL'",
    'CREATE TABLE connect (engine_connect INT)',
  ])('lets %j pass', (text) => {
    refuseStatement(text, 'shop', '0-1-7');
  });
});
