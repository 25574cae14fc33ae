import { LockRequest, type Service } from '../../contract/services.ts';
import { parsePointInTime } from '../../contract/time.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface LockOptions {
  until?: string;
  reason?: string;
}

/** Closes a service to every tool, whatever its key, and to all but administrators. */
export function lockService(terminal: Terminal, id: string, options: LockOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const request = lockRequest(options);
    const service = await daemonOf(api, 'Locking a service').lockService(id, request);
    terminal.result({ service }, [
      `Service ${service.id} is locked${lockWords(service.lock)}.`,
      'Its backups go on. Restores onto it, stopping it, and whatever lessens its protection are refused to every tool.',
      `To end it: skybackup services unlock ${service.id}`,
    ]);
    return exitCodes.done;
  });
}

export function unlockService(terminal: Terminal, id: string): Promise<number> {
  return withApi(terminal, async (api) => {
    const service = await daemonOf(api, 'Unlocking a service').unlockService(id);
    terminal.result({ service }, `Service ${service.id} is not locked.`);
    return exitCodes.done;
  });
}

/** ` until 2026-01-31T18:00:00Z (month end)`; nothing for a lock without either. */
export function lockWords(lock: Service['lock']): string {
  return `${lock?.until ? ` until ${lock.until}` : ''}${lock?.reason ? ` (${lock.reason})` : ''}`;
}

/** The contract's two forms of a moment are taken. */
export function lockRequest({ until, reason }: LockOptions): LockRequest {
  const moment = until === undefined ? undefined : (parsePointInTime(until)?.toISOString() ?? until);
  const request = LockRequest.safeParse({ until: moment, reason });
  if (request.success) return request.data;
  const [issue] = request.error.issues;
  throw new UsageError(`--${issue?.path.join('.')} ${issue?.message ?? 'is not valid'}.`);
}
