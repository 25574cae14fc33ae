/** A backup as retention sees it. Times in milliseconds since the epoch, sizes in bytes. */
export interface RetainedBackup {
  id: string;
  type: string;
  state: 'good' | 'running' | 'failed';
  /** What an incremental builds on. */
  parent: string | undefined;
  /** Chains and binary logs do not cross it. */
  incarnation: string | undefined;
  /** Of binary logs: which unbroken range they belong to. */
  range?: string | undefined;
  /** Of binary logs: the first moment they may hold. Elsewhere as `to`. */
  from: number;
  /** The moment the data is of; of binary logs, the last moment they may hold. */
  to: number;
  bytes: number;
  /** Grows from try to try: moments are told in whole seconds. */
  order?: number | undefined;
  /** Why it must stay whatever the policy says: a job reads it, say. */
  pinned?: string;
}

/** The kinds of which one does not stand in for another: an incremental goes with its full. */
export type BackupFamily = 'physical' | 'dump' | 'binarylog';

export function familyOf({ type }: Pick<RetainedBackup, 'type'>): BackupFamily {
  if (type === 'binarylog' || type === 'dump') return type;
  return 'physical';
}

/** Newest first; in the end the id decides, so that every pass sees one order. */
export function newestFirst(a: RetainedBackup, b: RetainedBackup): number {
  return b.to - a.to || (b.order ?? 0) - (a.order ?? 0) || (a.id < b.id ? 1 : -1);
}

/** Parents, and whether a backup can be restored: it is whole, and so is everything it builds on. */
export class Chains {
  readonly #byId: Map<string, RetainedBackup>;
  readonly #sound = new Map<string, boolean>();

  constructor(backups: readonly RetainedBackup[]) {
    this.#byId = new Map(backups.map((backup) => [backup.id, backup]));
  }

  /** The backup's parent, its parent's parent, and so on; ends where one is missing. */
  *ancestors(backup: RetainedBackup): Generator<RetainedBackup> {
    const seen = new Set([backup.id]);
    for (let at = this.#parentOf(backup); at !== undefined && !seen.has(at.id); at = this.#parentOf(at)) {
      seen.add(at.id);
      yield at;
    }
  }

  isSound(backup: RetainedBackup): boolean {
    const path: RetainedBackup[] = [];
    const onPath = new Set<string>();
    let sound = false;
    for (let at: RetainedBackup | undefined = backup; at !== undefined; at = this.#parentOf(at)) {
      const known = this.#sound.get(at.id);
      if (known !== undefined || at.state !== 'good' || onPath.has(at.id)) {
        sound = known ?? false;
        break;
      }
      path.push(at);
      onPath.add(at.id);
      // The root: nothing below it, or something that is gone.
      if (at.parent === undefined) {
        sound = at.type !== 'incremental';
        break;
      }
    }
    for (const each of path) this.#sound.set(each.id, sound);
    return sound;
  }

  #parentOf({ parent }: RetainedBackup): RetainedBackup | undefined {
    return parent === undefined ? undefined : this.#byId.get(parent);
  }
}
