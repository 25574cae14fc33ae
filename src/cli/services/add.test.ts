import { expect, test } from 'vitest';
import { UsageError } from '../terminal.ts';
import { type AddOptions, registration } from './add.ts';

const from = (options: Partial<AddOptions>, folder: string | undefined = '/here'): unknown =>
  registration('shop', { nightly: true, ...options }, folder);

test('paths become absolute ones of the folder the person stands in', () => {
  expect(from({ socket: 'run/s', user: 'u', passwordFile: '../pw', datadir: '/data' })).toEqual({
    id: 'shop',
    control: { kind: 'none' },
    connection: { socket: '/here/run/s', user: 'u', password_file: '/pw' },
    datadir: '/data',
  });
  expect(from({ defaultsFile: 'my.cnf' })).toMatchObject({ connection: { defaults_file: '/here/my.cnf' } });
});

test("on a daemon's own machine relative paths would mean something else", () => {
  expect(() => registration('shop', { nightly: true, socket: 'run/s' }, undefined)).toThrow(UsageError);
  expect(registration('shop', { nightly: true, socket: '/run/s' }, undefined)).toMatchObject({
    connection: { socket: '/run/s' },
  });
});

test('ways to stop and start', () => {
  expect(from({ host: 'db1', systemd: 'mariadb.service' })).toMatchObject({
    control: { kind: 'systemd', unit: 'mariadb.service' },
  });
  expect(from({ host: 'db1', stopCommand: 'a b', startCommand: 'c' })).toMatchObject({
    control: { kind: 'command', stop: 'a b', start: 'c' },
  });
  expect(from({ managed: true, nightly: false, name: 'Shop' })).toEqual({
    id: 'shop',
    name: 'Shop',
    control: { kind: 'managed' },
    nightly: false,
  });
});

test('a port alone means this machine', () => {
  expect(from({ port: '3307' })).toMatchObject({ connection: { host: '127.0.0.1', port: 3307 } });
});

test.each<Partial<AddOptions>>([
  {},
  { managed: true, host: 'db1' },
  { managed: true, datadir: '/d' },
  { host: 'db1', stopCommand: 'a' },
  { host: 'db1', startCommand: 'a' },
  { host: 'db1', systemd: 'u', stopCommand: 'a', startCommand: 'b' },
  { host: 'db1', port: '0' },
  { host: 'db1', port: '3306x' },
  { user: 'u' },
  { host: 'db1', systemd: 'not a unit' },
  { host: 'db1', passwordFile: 'p', defaultsFile: 'd' },
])('%o is refused as a slip of the person', (options) => {
  expect(() => from(options)).toThrow(UsageError);
});
