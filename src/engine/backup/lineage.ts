import type { ServerFacts } from '../mariadb/inspect.ts';
import type { Manifest } from '../repository/manifest.ts';
import { breakSince, type DataState } from './data-state.ts';

/** A physical backup that another can go on from. */
export type ParentManifest = Manifest & { lsn: NonNullable<Manifest['lsn']> };

/** What a backup stands on: the data's incarnation, and for an incremental the backup whose pages it goes on from. */
export interface Basis {
  incarnation: string;
  /** The incarnation the data directory itself tells; null where it tells none. */
  marker: string | null;
  parent: ParentManifest | undefined;
}

/** Where the present data come from, and which published backups are of them. */
export interface Lineage {
  /** The newest backup of this incarnation whose whole chain is in the repository. */
  newestParent(incarnation: string): Promise<ParentManifest | undefined>;
  /** The data are no longer those of the incarnation: from here on they are of the new one that is returned. */
  begin(facts: ServerFacts): Pick<Basis, 'incarnation' | 'marker'>;
}

/** The basis of a full backup. Where the data were replaced, it is the first of a new incarnation. */
export async function fullBasis(
  incarnation: string,
  lineage: Lineage,
  facts: ServerFacts,
  data: DataState,
): Promise<Basis & { replaced: string | undefined }> {
  const earlier = await lineage.newestParent(incarnation);
  const found = earlier && breakSince(earlier, data);
  return found?.replaced
    ? { ...lineage.begin(facts), parent: undefined, replaced: found.words }
    : { incarnation, marker: data.marker, parent: undefined, replaced: undefined };
}
