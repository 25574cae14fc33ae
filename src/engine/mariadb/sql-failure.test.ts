import { describe, expect, it } from 'vitest';
import { sqlFailure } from './sql-failure.ts';

const driver = (errno: number, sqlMessage: string, code = 'ER_X') =>
  Object.assign(new Error('long, with SQL'), { errno, code, sqlMessage });

describe('an SQL error', () => {
  it.each([
    [1045, "Access denied for user 'b'@'localhost' (using password: YES)", 'access_denied'],
    [1698, "Access denied for user 'b'@'localhost'", 'access_denied'],
    [1130, "Host '10.0.0.1' is not allowed to connect to this MariaDB server", 'access_denied'],
    [
      1227,
      'Access denied; you need (at least one of) the BINLOG MONITOR privilege(s) for this operation',
      'privilege_missing',
    ],
    [1142, "SELECT command denied to user 'b'@'localhost' for table 't'", 'privilege_missing'],
    [1040, 'Too many connections', 'service_down'],
    [1927, 'Connection was killed', 'service_down'],
    [1064, 'You have an error in your SQL syntax', 'statement_failed'],
  ])('%i is told as %s → %s', (errno, words, code) => {
    expect(sqlFailure(driver(errno, words), 'b at db1')).toMatchObject({ code, details: { errno } });
  });

  it('of a lost or refused connection is service_down', () => {
    for (const code of [
      'ECONNREFUSED',
      'ENOENT',
      'ECONNRESET',
      'ER_SOCKET_UNEXPECTED_CLOSE',
      'ER_CONNECTION_TIMEOUT',
    ]) {
      expect(sqlFailure(driver(0, 'x', code), 'b at db1').code).toBe('service_down');
    }
  });

  it('names the missing privilege and its grant', () => {
    const error = sqlFailure(
      driver(1227, 'Access denied; you need (at least one of) the BINLOG MONITOR, SUPER privilege(s)'),
      'b at db1',
    );
    expect(error.message).toContain('BINLOG MONITOR');
    expect(error.hint).toContain('GRANT BINLOG MONITOR ON *.*');
  });

  it('never shows the statement or a password in it', () => {
    const error = sqlFailure(driver(1064, "near 'IDENTIFIED BY 'hunter22''"), 'b at db1');
    expect(error.message).not.toContain('hunter22');
    expect(error.message).not.toContain('with SQL');
  });

  it('after a cancel is the cancel', () => {
    expect(sqlFailure(driver(1927, 'x'), 'b at db1', AbortSignal.abort()).code).toBe('cancelled');
  });
});
