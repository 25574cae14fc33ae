import type { BackupApi, DaemonApi, Provider } from './backup-api.ts';

type Call = (...given: never[]) => Promise<unknown>;
/** The names of an interface's calls. */
type CallsOf<T> = { [K in keyof T]: T[K] extends Call ? K : never }[keyof T];

/** Each call once; the compiler misses none. */
const calls: Record<Exclude<CallsOf<BackupApi>, 'close'>, true> = {
  listServices: true,
  getService: true,
  setPower: true,
  listBackups: true,
  getBackup: true,
  listSchedules: true,
  getSchedule: true,
  createSchedule: true,
  updateSchedule: true,
  deleteSchedule: true,
  listRestores: true,
  getRestore: true,
  createRestore: true,
  deleteRestore: true,
  lookupRestoreTargets: true,
  lookupRecoveryWindows: true,
  getHealth: true,
  listStorages: true,
  clock: true,
};
const daemonCalls: Record<CallsOf<DaemonApi>, true> = {
  registerService: true,
  forgetService: true,
  removeService: true,
  lockService: true,
  unlockService: true,
  undoRestore: true,
  listKeptCopies: true,
  removeKeptCopy: true,
  deleteBackup: true,
  getContents: true,
  verifyBackup: true,
  listVerifications: true,
  getVerification: true,
  findTransactions: true,
  getRetention: true,
  setRetention: true,
  addStorage: true,
  checkStorage: true,
  setStorageDefault: true,
  setStorageRecipients: true,
  setStorageLimit: true,
  removeStorage: true,
  getJob: true,
  cancelJob: true,
  createPlan: true,
  listPlans: true,
  getPlan: true,
  askPlan: true,
  approvePlan: true,
  declinePlan: true,
  listAudit: true,
  createKey: true,
  listKeys: true,
  revokeKey: true,
};

/**
 * An API that is loaded at its first call: the schemas of all its answers take a quarter of the time in which a server that
 * is only probed could have answered.
 */
export function lazyBackupApi(provider: Provider, load: () => Promise<BackupApi>): BackupApi {
  let loading: Promise<BackupApi> | undefined;
  const loaded = (): Promise<BackupApi> => {
    loading ??= load();
    return loading;
  };
  const daemon = async (): Promise<DaemonApi> => {
    const api = (await loaded()).daemon;
    if (api === undefined) throw new Error('loaded an API without a daemon');
    return api;
  };
  return {
    provider,
    ...forwarding(calls, loaded),
    daemon: provider.kind === 'daemon' ? forwarding(daemonCalls, daemon) : undefined,
    // What was never called has nothing to close.
    close: async () => (await loading)?.close(),
  };
}

function forwarding<T, N extends CallsOf<T>>(names: Record<N, true>, loaded: () => Promise<T>): Pick<T, N> {
  const forward =
    (name: N) =>
    async (...given: never[]): Promise<unknown> => {
      const api = await loaded();
      return (api[name] as Call)(...given);
    };
  const entries = (Object.keys(names) as N[]).map((name) => [name, forward(name)]);
  return Object.fromEntries(entries) as Pick<T, N>;
}
