import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import type { Page } from '../../contract/pages.ts';
import type { Verification, VerificationQuery, VerifyRequest } from '../../contract/verifications.ts';
import type { EngineContext } from '../engine-context.ts';
import { verificationView } from './verification-view.ts';
import { startVerification } from './verify-job.ts';

/** The engine's part that proves backups. */
export function verifications(context: EngineContext) {
  const { state } = context;
  return {
    start: (backupId: string, checks: VerifyRequest): Verification =>
      verificationView(startVerification(context, backupId, checks)),
    list({ service_id, ...query }: VerificationQuery): Page<Verification> {
      const scope = service_id === undefined ? {} : { service_id: serviceIdOf(service_id) };
      const page = state.verifications.list({ ...query, ...scope });
      return { ...page, items: page.items.map(verificationView) };
    },
    /** Throws `not_found`. */
    get(id: number): Verification {
      const row = state.verifications.get(id);
      if (row === undefined) throw new SkybackupError('not_found', `There is no verification ${id}.`);
      return verificationView(row);
    },
  };
}
