/** A backup as retention sees it. Times in milliseconds since the epoch, sizes in bytes. */
export interface RetainedBackup {
  id: string;
  type: string;
  state: 'good' | 'running' | 'failed';
  /** What an incremental builds on. */
  parent: string | undefined;
  /** Chains and binary logs do not cross it. */
  incarnation: string | undefined;
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
  readonly #depth = new Map<string, number>();

  constructor(backups: readonly RetainedBackup[]) {
    this.#byId = new Map(backups.map((backup) => [backup.id, backup]));
  }

  /** All that these build on, each once, with the first of them that does; the walk ends where a parent is missing. */
  *ancestorsOf(backups: Iterable<RetainedBackup>): Generator<[ancestor: RetainedBackup, child: RetainedBackup]> {
    const walked = new Set<string>();
    for (const child of backups) {
      for (let at = this.#parentOf(child); at !== undefined && !walked.has(at.id); at = this.#parentOf(at)) {
        walked.add(at.id);
        yield [at, child];
      }
    }
  }

  /** How many backups it builds on. */
  depthOf(backup: RetainedBackup): number {
    const path = [backup];
    const onPath = new Set([backup.id]);
    let depth = -1;
    for (let at = this.#parentOf(backup); at !== undefined && !onPath.has(at.id); at = this.#parentOf(at)) {
      const known = this.#depth.get(at.id);
      if (known !== undefined) {
        depth = known;
        break;
      }
      path.push(at);
      onPath.add(at.id);
    }
    for (const each of path.reverse()) {
      depth += 1;
      this.#depth.set(each.id, depth);
    }
    return depth;
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
