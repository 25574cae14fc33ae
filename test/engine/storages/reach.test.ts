import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeS3Credentials } from '../../../src/contract/credentials.ts';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { writeStorage } from '../../../src/storages/storage-files.ts';
import { type TestHome, temporaryHome } from '../../servers/managed.ts';

let home: TestHome;
let silent: Server;
let engine: Engine | undefined;
beforeEach(async () => {
  home = temporaryHome();
  silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
});
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
  silent.close();
  await home.dispose();
});

it('a bucket that takes connections and answers nothing holds no start up, also where nothing is known yet', async () => {
  const address = silent.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const credentials = encodeS3Credentials({
    access_key_id: 'a',
    secret_access_key: 'a-secret-of-the-tests',
    endpoint_url: `http://127.0.0.1:${port}`,
  });
  for (const name of ['one', 'two']) {
    writeStorage(home.home, { format: 1, name, path: `s3://${name}`, credentials, added_at: '2026-11-25T00:00:00Z' });
  }
  const said: unknown[] = [];
  const begun = Date.now();
  engine = await startEngine({ home: home.home, startedBy: 'person', log: (...line) => said.push(line) });
  expect(Date.now() - begun).toBeLessThan(20_000);
  const troubles = engine.storages.list().map(({ name, trouble }) => [name, trouble]);
  expect(troubles).toEqual([
    ['local', undefined],
    ['one', expect.stringContaining('did not answer within 10 seconds')],
    ['two', expect.stringContaining('did not answer within 10 seconds')],
  ]);
  expect(JSON.stringify(said)).toContain('a storage is out of reach');
}, 60_000);
