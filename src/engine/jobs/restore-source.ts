import { SkybackupError } from '../../contract/errors.ts';
import { type FollowedChain, followChain } from '../chain/chain.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { RestoreSource } from '../restore/source.ts';
import type { BackupRow } from '../store/backups-index.ts';

type Catalogue = Pick<EngineContext, 'state' | 'repository'>;

/**
 * All that a restore of this backup needs: itself, or the chain that ends in it, every member whole in the repository.
 * Throws `backup_damaged` naming the member that is missing and the newest backup that can be restored.
 */
export async function findSource(catalogue: Catalogue, backup: BackupRow): Promise<RestoreSource> {
  const found = await readSource(catalogue, backup.id);
  if (found.source !== undefined) return found.source;
  const { id, words } = found.broken;
  const which = id === backup.id ? 'it' : `backup ${id}, which it builds on,`;
  const newest = await newestRestorable(catalogue, backup.service_id);
  throw new SkybackupError('backup_damaged', `Backup ${backup.id} cannot be restored: ${which} ${words}.`, {
    hint:
      newest === undefined
        ? `No other backup of ${backup.service_id} can be restored. Take a new full backup of what is there.`
        : `The newest backup of ${backup.service_id} that can be restored is ${newest.id} (${newest.type}), of ${newest.point_in_time ?? 'an unknown time'}.`,
    details: { missing: id, ...(newest === undefined ? {} : { newest: newest.id }) },
  });
}

type FoundSource = { source: RestoreSource; broken?: never } | { source?: never; broken: BrokenMember };
type BrokenMember = NonNullable<FollowedChain['broken']>;

async function readSource({ state, repository }: Catalogue, id: string): Promise<FoundSource> {
  const link = state.backups.linkOf(id);
  if (link === undefined) return { broken: { id, words: 'is no longer there' } };
  const { chain, broken } = link.type === 'dump' ? { chain: [link] } : followChain(link, state.backups.linkOf);
  if (chain === undefined) return { broken };
  const manifests: Manifest[] = [];
  for (const member of chain) {
    const manifest = await repository.manifest(member.service_id, member.id).catch((error: unknown) => {
      if (error instanceof SkybackupError && error.code === 'backup_damaged') return undefined;
      throw error;
    });
    if (manifest === undefined || !(await repository.isWhole(manifest))) {
      return { broken: { id: member.id, words: 'is no longer whole in the repository' } };
    }
    manifests.push(manifest);
  }
  const [first, ...rest] = manifests;
  return first === undefined
    ? { broken: { id, words: 'is no longer there' } }
    : { source: { backups: [first, ...rest] } };
}

/** Among the newest hundred: where none of those is, more than single backups is broken. */
async function newestRestorable(catalogue: Catalogue, serviceId: string): Promise<BackupRow | undefined> {
  const filter = { service_id: serviceId, status: 'Succeeded', order: 'desc', page_size: 100 } as const;
  for (const row of catalogue.state.backups.list(filter).items) {
    if (row.type !== 'binarylog' && (await readSource(catalogue, row.id)).source !== undefined) return row;
  }
  return undefined;
}

/** A listed backup's manifest. Throws `backup_damaged` when it has gone. */
export async function readManifest(
  { state, repository }: Catalogue,
  serviceId: string,
  backupId: string,
): Promise<Manifest> {
  const manifest = await repository.manifest(serviceId, backupId);
  if (manifest !== undefined) return manifest;
  state.backups.end(backupId, 'Failed', 'The backup is no longer in the repository.');
  throw new SkybackupError('backup_damaged', `Backup ${backupId} is no longer in the repository ${repository.url}.`);
}
