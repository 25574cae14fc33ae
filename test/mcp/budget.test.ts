import { encode } from 'gpt-tokenizer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';
import { countTokens, tokensOf } from './token-counts.ts';

let cloud: CloudDouble;
let client: RawClient;
let home: { home: string; remove: () => Promise<void> };

/** The longest names that each thing can have: a page of these is the dearest answer there is. */
const longName = 'Ω«ορδερς» und noch sehr viel mehr Namen 注文データベース '.repeat(20);

beforeAll(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
  for (const service of cloud.state.services) service.name = longName;
  const [service] = cloud.state.services;
  const [backup] = cloud.state.backups;
  const [schedule] = cloud.state.schedules;
  const [restore] = cloud.state.restores;
  for (let i = 0; i < 40 && service && backup && schedule && restore; i += 1) {
    const hex = (i * 7919).toString(16).padStart(32, 'c1f');
    cloud.state.services.push({ ...service, id: `dbtgf9${i}`, version: longName, region: longName });
    cloud.state.backups.push({ ...backup, id: `${hex}:dbtgf28044362:pod-${i}`, service_id: 'dbtgf28044362' });
    cloud.state.schedules.push({ ...schedule, id: 500 + i, message: longName, schedule: '*/7 1,3,5,7 1-5 * 2-6' });
    cloud.state.restores.push({ ...restore, id: 900 + i, message: longName, service_id: 'dbtgf28044362' });
  }
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern', { elicitation: false });
});
afterAll(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});

it.each(['cloud', 'daemon'])(
  'a model sees at most 25 tools with a %s, which cost at most 3,000 tokens, the whole list at most 5,500',
  async (kind) => {
    // Without settings it is the local daemon, which listing does not start.
    const env = kind === 'cloud' ? cloudEnvironment(cloud) : {};
    const figures = await countTokens(serverCommand(home.home, env));
    process.stdout.write(
      `${kind}: ${figures.tools.length} tools, seen by a model: ${figures.seen} tokens, tools/list: ${figures.list} tokens\n`,
    );
    expect(figures.tools.length).toBeLessThanOrEqual(25);
    expect(figures.seen).toBeLessThanOrEqual(3000);
    expect(figures.list).toBeLessThanOrEqual(5500);
    for (const waste of ['$schema', '9007199254740991', '"icons"', '"additionalProperties":{}'])
      expect(figures.listed).not.toContain(waste);
  },
);

it.each([
  ['list_services', { limit: 25 }],
  ['list_backups', { limit: 25 }],
  ['list_schedules', { service: 'dbtgf28044362', limit: 25 }],
  ['list_restores', { service: 'dbtgf28044362', limit: 25 }],
  ['check_backups', { limit: 25 }],
  ['check_backups', { service: 'dbtgf28044362' }],
  ['show_backups', {}],
  ['show_backups', { service: 'dbtgf28044362' }],
  ['create_backup', { service: longName }],
  ['restore_backup', { service: 'dbtgf28044362', backup: 'latest', source: 'dbtgf28216706' }],
  ['restore_backup', { service: 'dbtgf28044362', backup: 'latest', source: 'dbtgf28216706', safety_backup: false }],
  ['delete_schedule', { id: 500 }],
  ['update_schedule', { id: 501, suspended: true }],
  ['list_backups', { ['x'.repeat(5000)]: 1, ['y'.repeat(5000)]: 2 }],
])('the dearest answer of %s costs at most 2,000 tokens, words and data together', async (name, args) => {
  const { text, data } = await client.call(name, args);
  const tokens = encode(text).length + tokensOf(data);
  process.stdout.write(`${name}: ${tokens} tokens\n`);
  expect(tokens).toBeLessThanOrEqual(2000);
  if ('next_cursor' in data) expect(text).toContain('cursor');
});
