import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FullBackupInput } from '../../../src/engine/backup/full.ts';
import type { Lineage } from '../../../src/engine/backup/lineage.ts';
import type { JobContext } from '../../../src/engine/job-context.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';

export const backupId = (): string => `${randomBytes(16).toString('hex')}:shop:shop-0`;

/** A service record of a test server, with whatever should be different. */
export function serviceOf(server: TestMariadbd, change: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    id: 'shop',
    name: 'shop',
    control: { kind: 'none' },
    connection: server.connection,
    datadir: server.datadir,
    incarnation: 'first',
    created_at: '2026-11-22T00:00:00Z',
    ...change,
  };
}

/** Of a service of which nothing is known yet. */
export const noLineage: Lineage = {
  newestParent: async () => undefined,
  begin: () => {
    throw new Error('nothing was there to be replaced');
  },
};

/** A backup's input with a local repository under the server's own folder. */
export function inputOf(server: TestMariadbd, change: Partial<FullBackupInput> = {}): FullBackupInput {
  return {
    service: serviceOf(server),
    backupId: backupId(),
    repository: openRepository(localDirectory(join(server.root, 'repository'))),
    lineage: noLineage,
    beforePublish: () => {},
    ...change,
  };
}

export interface RecordedJob extends JobContext {
  readonly phases: string[];
  readonly reports: [number, number | undefined][];
  readonly warnings: string[];
  readonly abort: AbortController;
}

/** A job that keeps what it is told; `onPhase` may act on it. */
export function recordedJob(onPhase: (name: string) => void = () => {}): RecordedJob {
  const abort = new AbortController();
  const [phases, reports, warnings]: [string[], [number, number | undefined][], string[]] = [[], [], []];
  return {
    abort,
    signal: abort.signal,
    phases,
    reports,
    warnings,
    phase: (name) => {
      phases.push(name);
      onPhase(name);
    },
    progress: (bytes, total) => reports.push([bytes, total]),
    warn: (message) => warnings.push(message),
  };
}

/** Everything a failed backup could leave: objects, unfinished puts, work directories, child processes. */
export async function leftovers(server: TestMariadbd): Promise<string[]> {
  const left: string[] = [];
  const root = join(server.root, 'repository');
  for await (const { key } of localDirectory(root).list('')) left.push(`object ${key}`);
  for (const name of await readdir(join(root, '.incoming')).catch(() => [])) left.push(`unfinished ${name}`);
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith(`skybackup-work-${process.pid}-`)) left.push(`directory ${name}`);
  }
  return [...left, ...backupProcesses().map(({ pid, command }) => `process ${pid} ${command}`)];
}

/** Children of this process that belong to a backup. */
export function backupProcesses(parent = process.pid): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const ours =
          Number(ppid) === parent &&
          state !== 'Z' &&
          /^(mariadb-backup|mariabackup|mariadb-binlog|mariadb-dump|cat|zstd|setpriv)$/.test(command);
        return ours ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

/** A store whose puts stop after some bytes until `open` is called; `reached` resolves when one has stopped. */
export function gatedStore(
  store: ObjectStore,
  afterBytes = 1,
): { store: ObjectStore; reached: Promise<void>; open(): void } {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const gated: ObjectStore = {
    ...store,
    put: (key, body, options) => {
      if (Buffer.isBuffer(body)) return store.put(key, body, options);
      const slow = async function* (): AsyncGenerator<Buffer> {
        let bytes = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          yield chunk;
          bytes += chunk.length;
          if (bytes < afterBytes) continue;
          reached.resolve();
          await Promise.race([opened.promise, aborted(options?.signal)]);
        }
      };
      return store.put(key, Readable.from(slow(), { objectMode: false }), options);
    },
  };
  return { store: gated, reached: reached.promise, open: () => opened.resolve() };
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
