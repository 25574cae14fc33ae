import { expect, it, vi } from 'vitest';
import type { BackupApi, Provider } from './backup-api.ts';
import { lazyBackupApi } from './lazy-backup-api.ts';

const capabilities = { jobs: true, plans: true, registerServices: true, undoRestores: false, retention: true };
const daemon: Provider = { kind: 'daemon', url: 'unix:/s', capabilities, binding: 'b' };

function loaded() {
  const api = {
    provider: daemon,
    getService: vi.fn(async (id: string) => ({ id })),
    daemon: { getJob: vi.fn(async (id: number) => ({ id })) },
    close: vi.fn(async () => undefined),
  };
  return { api, load: vi.fn(async () => api as unknown as BackupApi) };
}

it('loads the API at the first call, once, and hands everything on', async () => {
  const { api, load } = loaded();
  const lazy = lazyBackupApi(daemon, load);
  expect(lazy.provider).toBe(daemon);
  expect(load).not.toHaveBeenCalled();
  const signal = new AbortController().signal;
  expect(await Promise.all([lazy.getService('a', { signal }), lazy.daemon?.getJob(3)])).toEqual([
    { id: 'a' },
    { id: 3 },
  ]);
  expect(api.getService).toHaveBeenCalledWith('a', { signal });
  expect(load).toHaveBeenCalledOnce();
  await lazy.close();
  expect(api.close).toHaveBeenCalledOnce();
});

it('closes what was never called without loading it, and has no daemon part in the cloud', async () => {
  const { load } = loaded();
  const lazy = lazyBackupApi({ ...daemon, kind: 'cloud' }, load);
  expect(lazy.daemon).toBeUndefined();
  await lazy.close();
  expect(load).not.toHaveBeenCalled();
});
