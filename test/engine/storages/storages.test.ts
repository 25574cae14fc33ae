import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DefaultFor } from '../../../src/contract/storages.ts';
import { CatalogueReview } from '../../../src/engine/catalogue-review.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import type { EngineContext } from '../../../src/engine/engine-context.ts';
import { Storages } from '../../../src/engine/storages/storages.ts';
import { wantedStorage } from '../../../src/engine/storages/wanted-storage.ts';
import { openState, type StateStore } from '../../../src/engine/store/state-store.ts';
import { changeStorage } from '../../../src/storages/storage-files.ts';
import { type TestHome, temporaryHome } from '../../servers/managed.ts';
import { objectKeyOf, sampleManifest } from '../repository/sample-manifest.ts';

let home: TestHome;
let state: StateStore;
let storages: Storages;
beforeEach(() => {
  home = temporaryHome();
  state = openState(home.home.state);
  storages = open();
});
afterEach(async () => {
  state.close();
  await home.dispose();
});

const open = (): Storages => new Storages({ home: home.home, state, clock: systemClock });
const folder = (name: string): string => join(home.home.root, 'places', name);
const add = (name: string, more: { default_for?: DefaultFor } = {}) =>
  storages.add({ name, path: `file://${folder(name)}`, ...more });
const defaultsOf = (from: Storages) =>
  from.files().flatMap(({ name, file }) => (file?.default_for ? [[name, file.default_for]] : []));

describe('registering', () => {
  it('of two that are added at once under one name, or to one place, the second is refused', async () => {
    const path = `file://${folder('same')}` as const;
    const both = await Promise.allSettled([storages.add({ name: 'a', path }), storages.add({ name: 'b', path })]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(both[1]).toMatchObject({ reason: { code: 'conflict', message: expect.stringContaining('storage "a"') } });
    const named = await Promise.allSettled([add('c'), add('c')]);
    expect(named.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('what cannot be locked is not registered with a lock', async () => {
    const object_lock = { mode: 'governance', days: 30 } as const;
    await expect(storages.add({ name: 'a', path: `file://${folder('a')}`, object_lock })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('has no object lock'),
    });
    expect(storages.names()).toEqual(['local']);
  });
});

describe('a default', () => {
  it('is one for each service, whatever was said in which order, also after a restart', async () => {
    for (const name of ['a', 'b', 'c']) await add(name);
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      of: fc.oneof(
        fc.constant('all' as const),
        fc.constant(null),
        fc.uniqueArray(fc.constantFrom('orders', 'shop', 'crm'), { minLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        for (const { name, of } of steps) storages.setDefault(name, of);
        const last = steps.at(-1);
        const named = defaultsOf(storages).flatMap(([, of]) => of);
        expect(new Set(named).size).toBe(named.length);
        if (Array.isArray(last?.of)) for (const id of last.of) expect(storages.defaultFor(id)).toBe(last.name);
        if (last?.of === 'all') expect(storages.defaultFor('never-named')).toBe(last.name);
        expect(defaultsOf(open())).toEqual(defaultsOf(storages));
      }),
      { numRuns: 60 },
    );
  });

  it('leaves alone what a client of the cloud has noted in the file meanwhile', async () => {
    await add('a');
    changeStorage(home.home, 'a', (file) => ({ ...file, cloud_services: ['dbtgf1'] }));
    storages.setDefault('a', ['orders']);
    expect(JSON.parse(readFileSync(join(home.home.storages, 'a.json'), 'utf8'))).toMatchObject({
      cloud_services: ['dbtgf1'],
      default_for: ['orders'],
    });
  });

  it('keeps what is open open: it knows which uploads are its own', async () => {
    await add('a');
    const before = storages.at('a');
    storages.setDefault('a', 'all');
    expect(storages.at('a')).toBe(before);
  });
});

describe('a storage that is taken off the list', () => {
  it('is looked at no more, though it was never reached', async () => {
    await add('a');
    const said: string[] = [];
    const repository = storages.at('local');
    const log = (_level: string, message: string, facts: unknown) => said.push(`${message} ${JSON.stringify(facts)}`);
    const context = {
      home: home.home,
      state,
      storages,
      repository,
      clock: systemClock,
      log,
    } as unknown as EngineContext;
    const review = new CatalogueReview(context);
    storages.remove('a');
    review.start(() => {});
    await review.settled();
    await review.stop();
    expect(said.join('\n')).not.toContain('could not be compared');
  });

  it('takes nothing of which GTIDs were handed out with it', async () => {
    await add('a');
    const created_at = new Date().toISOString();
    state.services.add({
      id: 'shop',
      name: 'shop',
      control: { kind: 'none' },
      connection: { socket: '/s' },
      datadir: undefined,
      incarnation: 'one',
      created_at,
    });
    const id = `${'1'.repeat(32)}:shop:shop-0`;
    const object = { key: objectKeyOf(id), bytes: 1, block_bytes: 1, blocks: ['x'] };
    state.backups.publish(
      { ...sampleManifest(id, object), binlog: { file: 'binlog.000001', position: 1, gtid: '0-1-77' } },
      'a',
    );
    storages.remove('a');
    expect(state.backups.get(id)).toBeUndefined();
    expect(state.services.get('shop')?.highest_gtids).toContain('0-1-77');
  });
});

describe('whether a storage answers', () => {
  it('is known, and is forgotten once it does', async () => {
    await add('a');
    await storages.reach.look();
    expect(storages.isInReach('a')).toBe(true);
    rmSync(folder('a'), { recursive: true });
    writeFileSync(folder('a'), 'no folder any more');
    await storages.reach.look();
    expect(storages.reach.lost()).toEqual(['a']);
    expect(storages.reach.troubleOf('a')).toContain(folder('a'));
    rmSync(folder('a'));
    mkdirSync(folder('a'));
    await storages.check('a');
    expect(storages.isInReach('a')).toBe(true);
    expect(existsSync(folder('a'))).toBe(true);
  });
});

describe('the storage that a request names', () => {
  const administrator = { role: 'administrator', principal: 'tests', planId: undefined } as const;
  const bucket = { bucket: { path: 's3://somewhere/else' } };

  it('is one that is there, or none', async () => {
    expect(await wantedStorage({ storages }, {}, administrator)).toBeUndefined();
    expect(await wantedStorage({ storages }, { storage: 'local' }, administrator)).toBe('local');
    await expect(wantedStorage({ storages }, { storage: 'nowhere' }, administrator)).rejects.toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('There are: local'),
    });
  });

  it('is not named in two ways, and a bucket of its own is an administrator’s alone, without a plan', async () => {
    const both = { storage: 'local', external_storage: bucket };
    await expect(wantedStorage({ storages }, both, administrator)).rejects.toMatchObject({ code: 'invalid_request' });
    const asked = { external_storage: bucket };
    for (const asker of [
      { ...administrator, role: 'requester' as const },
      { ...administrator, planId: 'pln_1' },
    ]) {
      await expect(wantedStorage({ storages }, asked, asker)).rejects.toMatchObject({ code: 'forbidden' });
    }
  });
});
