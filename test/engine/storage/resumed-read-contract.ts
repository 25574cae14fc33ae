import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import type { Patience } from '../../../src/engine/storage/retry.ts';
import { startTcpProxy, type TcpProxy } from '../../servers/tcp-proxy.ts';
import { digestOf, streamOf, watched } from './stream-bytes.ts';

/** A storage's server that can be killed and come up again. */
export interface KillableStorage {
  port: number;
  store(options?: { prefix?: string; port?: number; stallMs?: number; patience?: Patience }): ObjectStore;
  kill(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

const MiB = 1024 * 1024;
const size = 30 * MiB + 17;
/** Longer than the server's start takes on a busy machine. */
export const steadfast: Patience = { tries: 200, firstWaitMs: 50, longestWaitMs: 300 };

/** What a get from every kind of bucket promises over bad lines. `replaced`: the storage's word for an object that is another now. */
export function resumedReads(start: () => Promise<KillableStorage>, replaced: string): void {
  describe('a get goes on from the byte it had reached', () => {
    let server: KillableStorage;
    let line: TcpProxy;
    let whole: { sha256: string; bytes: number };
    beforeAll(async () => {
      server = await start();
      whole = await digestOf(streamOf(size));
      await server.store({ prefix: 'read' }).put('v1/a', streamOf(size));
    });
    afterAll(() => server?.stop());
    beforeEach(async () => {
      line = await startTcpProxy(server.port);
    });
    afterEach(() => line.stop());
    const store = (port: number) => server.store({ prefix: 'read', port, stallMs: 1500, patience: steadfast });

    it('where connections are cut, and where one stalls', async () => {
      line.troubles.push(
        { kind: 'cut', direction: 'down', afterBytes: 5 * MiB },
        { kind: 'stall', direction: 'down', afterBytes: 5 * MiB },
        { kind: 'cut', direction: 'down', afterBytes: 1 },
      );
      expect(await digestOf(await store(line.port).get('v1/a'))).toEqual(whole);
      expect(line.troubles).toEqual([]);
      expect(line.connections).toBeGreaterThan(3);
    });

    it('of a range too, and no byte more', async () => {
      line.troubles.push({ kind: 'cut', direction: 'down', afterBytes: 2 * MiB });
      const part = await digestOf(await store(line.port).get('v1/a', { start: 1000, end: 7 * MiB }));
      expect(part.bytes).toBe(7 * MiB - 999);
      expect(part).toEqual(await digestOf(await store(server.port).get('v1/a', { start: 1000, end: 7 * MiB })));
    });

    it('when the server is killed and comes back', async () => {
      let back: Promise<void> | undefined;
      const stream = watched(await store(server.port).get('v1/a'), 5 * MiB, async () => {
        await server.kill();
        back = delay(500).then(() => server.up());
      });
      expect(await digestOf(stream)).toEqual(whole);
      expect(back).toBeDefined();
      await back;
    });

    it('when nobody reads for longer than a stall takes', async () => {
      const stream = await store(server.port).get('v1/a');
      await delay(2500);
      expect(await digestOf(stream)).toEqual(whole);
    });

    it('but not once nobody reads it any more', async () => {
      const stream = await store(line.port).get('v1/a');
      line.troubles.push({ kind: 'cut', direction: 'down', afterBytes: 5 * MiB });
      let read = 0;
      for await (const chunk of stream) {
        read += chunk.length;
        if (read > 10 * MiB) break;
      }
      const { connections } = line;
      expect(connections).toBeGreaterThan(1);
      await delay(1000);
      expect(line.connections).toBe(connections);
      expect(line.open).toBe(0);
    });

    it('but not with the bytes of another object that took its place', async () => {
      const client = server.store({ prefix: 'replaced', port: line.port });
      await client.put('v1/a', streamOf(size));
      const stream = await client.get('v1/a');
      line.troubles.push({ kind: 'cut', direction: 'down', afterBytes: 1 });
      const direct = server.store({ prefix: 'replaced' });
      await direct.delete('v1/a');
      await direct.put('v1/a', streamOf(size + 1));
      await expect(digestOf(stream)).rejects.toMatchObject({ code: 'storage_failed', details: { reason: replaced } });
    });
  });
}
