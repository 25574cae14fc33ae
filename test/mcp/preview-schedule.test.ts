import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let client: RawClient;
let home: { home: string; remove: () => Promise<void> };

beforeAll(async () => {
  cloud = await startCloudDouble();
  home = await newHome();
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern');
});
afterAll(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});

const preview = (args: Record<string, unknown>) => client.call('preview_schedule', args);

it('a cron is told in words, with its next runs in UTC and by the clocks of a zone, and what daylight saving does', async () => {
  const reply = await preview({ cron: '0 3 * * *', zone: 'europe/berlin' });
  expect(reply).toMatchObject({ isError: false, data: { cron: '0 3 * * *', in_words: 'At 03:00, every day (UTC)' } });
  expect(reply.text).toContain('"0 3 * * *" runs at 03:00, every day (UTC).');
  expect(reply.text).toMatch(/03:00 UTC is 0[45]:00 in Europe\/Berlin until \d+ \w+ \d{4}, then 0[45]:00/);
  expect(reply.data.daylight_saving).toBe(reply.text.split('\n').find((line) => line.startsWith('03:00 UTC')));
  const runs = reply.data.next_runs as { utc: string; local: string }[];
  expect(runs).toHaveLength(5);
  for (const { utc, local } of runs) {
    expect(utc).toMatch(/ 03:00:00 UTC$/);
    expect(local).toMatch(/^\w{3} \d{4}-\d\d-\d\d 0[45]:00$/);
    expect(reply.text).toContain(`${utc} = ${local}`);
  }
  const unasked = await preview({ cron: '0 3 * * *' });
  expect(unasked.data.next).toContain('Ask the person for their time zone');
});

it('for a wanted local time it gives the cron in UTC, and says when one cron cannot keep it', async () => {
  const kolkata = await preview({ cron: '30 9 * * 1-5', zone: 'Asia/Kolkata', local: 'true' });
  expect(kolkata).toMatchObject({ data: { cron: '0 4 * * 1-5', keeps_local_time: true } });
  const berlin = await preview({ cron: '0 3 * * *', zone: 'Europe/Berlin', local: true });
  const { cron, cron_afterwards, changes_on, warnings } = berlin.data;
  expect([cron, cron_afterwards].toSorted()).toEqual(['0 1 * * *', '0 2 * * *']);
  expect(berlin).toMatchObject({ data: { keeps_local_time: false } });
  expect(berlin.text).toContain('No single cron in UTC keeps this local time over the change of the clocks');
  expect(warnings).toEqual([expect.stringContaining(`update_schedule on ${changes_on}`)]);
  expect(await preview({ cron: '*/15 * * * *', zone: 'Europe/Berlin', local: true })).toMatchObject({
    data: { cron: '*/15 * * * *', keeps_local_time: true },
  });
  const month = await preview({ cron: '0 0 1 * *', zone: 'Europe/Berlin', local: true });
  expect(month).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
});

it.each([
  [{ cron: '0 0 31 2 *' }, 'invalid_schedule'],
  [{ cron: '@daily' }, 'invalid_schedule'],
  [{ cron: '0 3 * * *', zone: 'EST' }, 'invalid_request'],
  [{ cron: '0 3 * * *', zone: 'Berlin' }, 'invalid_request'],
  [{ cron: '0 3 * * *', local: true }, 'invalid_request'],
])('%j is refused: %s', async (args, code) => {
  const reply = await preview(args);
  expect(reply).toMatchObject({ isError: true, data: { error: { code, hint: expect.any(String) } } });
  if (code === 'invalid_request') expect(reply.text).toMatch(/Europe\/Berlin/);
});

it('asks neither provider nor person', () => expect(cloud.requests).toEqual([]));
