import { InMemoryTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { Askings } from '../../src/mcp/guard/askings.ts';
import { createServer } from '../../src/mcp/server.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await cloud.close();
  await home.remove();
});

it('while a person thinks, an old client hears that the call is alive, and no more after the answer', async () => {
  const settings = readSettings({ ...cloudEnvironment(cloud), SKYBACKUP_HOME: home.home });
  const api = openBackupApi(settings);
  const server = createServer({ api, settings, version: '0', askings: new Askings(20) });
  const client = new Client({ name: 'old', version: '1' }, { capabilities: { elicitation: {} } });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const beats: string[] = [];
  const enough = Promise.withResolvers<void>();
  client.setRequestHandler(ElicitRequestSchema, async () => {
    await enough.promise;
    return { action: 'decline' };
  });
  await server.connect(ours);
  await client.connect(theirs as Transport);
  const answer = await client.callTool({ name: 'delete_schedule', arguments: { id: 215 } }, undefined, {
    onprogress: ({ message }) => {
      beats.push(message ?? '');
      if (beats.length === 3) enough.resolve();
    },
  });
  expect(answer.structuredContent).toMatchObject({ status: 'declined' });
  expect(beats.length).toBeGreaterThanOrEqual(3);
  expect(new Set(beats)).toEqual(new Set(['Waiting for a person to confirm']));
  await client.close();
  await server.close();
  await api.close();
});
