import { toRfc3339 } from '../../contract/time.ts';
import { encryptionFor } from '../encryption/age.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';

interface Taken {
  service: ServiceRecord;
  backupId: string;
  /** Where it went. */
  repository: Pick<BackupRepository, 'recipients'>;
}

type Frame = Pick<
  Manifest,
  | 'format'
  | 'id'
  | 'service_id'
  | 'service_name'
  | 'server_pod'
  | 'incarnation'
  | 'started_at'
  | 'ended_at'
  | 'compression'
  | 'encryption'
>;

/** What the manifest of every kind of backup says alike: whose it is, when it was taken, and how its bytes are packed. */
export function manifestFrame({ service, backupId, repository }: Taken, startedAt: Date): Frame {
  return {
    format: 1,
    id: backupId,
    service_id: service.id,
    service_name: service.name,
    server_pod: backupId.split(':')[2] ?? service.id,
    incarnation: service.incarnation,
    started_at: toRfc3339(startedAt),
    ended_at: toRfc3339(new Date()),
    compression: 'zstd',
    encryption: encryptionFor(repository.recipients),
  };
}
