import { describe, expect, it } from 'vitest';
import type { Manifest } from '../repository/manifest.ts';
import { breakSince, type DataState } from './data-state.ts';

const earlier: Manifest = {
  format: 1,
  id: 'x:shop:shop-0',
  service_id: 'shop',
  service_name: 'shop',
  server_pod: 'shop-0',
  type: 'full',
  method: 'mariabackup',
  incarnation: 'i',
  parent: null,
  full: null,
  // One past what a number holds exactly.
  lsn: { from: '0', to: '9007199254740900', last: '9007199254740993' },
  binlog: { file: 'binlog.000002', position: 5, gtid: '0-7-20,1-7-3' },
  server: {
    version: '10.11.19-MariaDB-log',
    server_id: 7,
    hostname: 'db1',
    options: {},
    data: { marker: null, tablespace: '12-34' },
  },
  tool_version: '10.11.19',
  tables: [],
  started_at: '2026-11-22T00:00:00Z',
  ended_at: '2026-11-22T00:00:00Z',
  point_in_time: '2026-11-22T00:00:00Z',
  objects: [{ key: 'v1/shop/x/data', bytes: 0, block_bytes: 1, blocks: [] }],
  disk_bytes: 0,
  compression: 'zstd',
  encryption: null,
};
const server: DataState = {
  marker: null,
  tablespace: '12-34',
  lsn: 9007199254740993n,
  gtids: '0-7-25,1-7-3,2-8-1',
  version: '10.11.19-MariaDB',
  server_id: 7,
  hostname: 'db1',
};
const withData = (data: NonNullable<Manifest['server']['data']>): Manifest => ({
  ...earlier,
  server: { ...earlier.server, data },
});

describe('data that went on from a backup', () => {
  it.each<[string, Manifest, Partial<DataState>]>([
    ['as they were', earlier, {}],
    ['further on', earlier, { lsn: 9007199254750000n, gtids: '0-7-99,0-8-100,1-7-3' }],
    ['on another build of the same release', earlier, { version: '10.11.19-MariaDB-0+deb12u1-log' }],
    ['of a server without a binary log', { ...earlier, binlog: null }, { gtids: '' }],
    ['where files have no identity', earlier, { tablespace: null }],
    [
      'with their marker, on a machine of another name',
      withData({ marker: 'i', tablespace: '12-34' }),
      { marker: 'i', hostname: 'db2', server_id: 8 },
    ],
  ])('are known: %s', (_, manifest, change) => {
    expect(breakSince(manifest, { ...server, ...change })).toBeUndefined();
  });

  it.each<[string, Partial<DataState>, RegExp]>([
    ['of another server', { server_id: 8 }, /number 8/],
    ['on another machine', { hostname: 'db2' }, /db2/],
    ['that have a marker and had none', { marker: 'j' }, /incarnation j/],
    ['in another tablespace', { tablespace: '12-35' }, /tablespace/],
    ['that went back by one', { lsn: 9007199254740992n }, /9007199254740992/],
    ['whose log lacks the backup’s transactions', { gtids: '0-7-19,1-7-3' }, /0-7-19/],
    ['whose log lacks a domain', { gtids: '0-7-25' }, /0-7-20,1-7-3/],
    ['whose log was reset', { gtids: '' }, /none/],
  ])('are not taken for data %s', (_, change, words) => {
    expect(breakSince(earlier, { ...server, ...change })).toMatchObject({
      replaced: true,
      words: expect.stringMatching(words),
    });
  });

  it('are not taken for data with another marker, or with none any more', () => {
    const marked = withData({ marker: 'i', tablespace: '12-34' });
    for (const marker of ['j', null])
      expect(breakSince(marked, { ...server, marker })).toMatchObject({ replaced: true });
  });

  it('are the same data, but no parent, under another release of the server', () => {
    for (const version of ['10.11.20-MariaDB', '11.4.2-MariaDB-log']) {
      expect(breakSince(earlier, { ...server, version })).toMatchObject({
        replaced: false,
        words: expect.stringContaining(version),
      });
    }
  });
});
