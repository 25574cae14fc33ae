/** A backup as far as chains go; `full` is the one that an incremental builds on. */
export interface Linked {
  id: string;
  type: string;
  full?: string | undefined;
  /** Milliseconds. */
  at: number;
}

/** A full backup, if it is known, and what builds on it, oldest first. */
export interface Chain<T extends Linked> {
  id: string;
  full: T | undefined;
  increments: T[];
}

/** The chains among these backups, newest first. A full backup that nothing builds on is a chain of one. */
export function chainsOf<T extends Linked>(backups: readonly T[]): Chain<T>[] {
  const chains = new Map<string, Chain<T>>();
  const chain = (id: string): Chain<T> => {
    const found = chains.get(id) ?? { id, full: undefined, increments: [] };
    chains.set(id, found);
    return found;
  };
  for (const backup of backups) {
    if (backup.type === 'full') chain(backup.id).full = backup;
    else if (backup.type === 'incremental' && backup.full !== undefined) chain(backup.full).increments.push(backup);
  }
  const started = ({ full, increments }: Chain<T>): number => full?.at ?? increments[0]?.at ?? 0;
  for (const { increments } of chains.values()) increments.sort((a, b) => a.at - b.at);
  return [...chains.values()].sort((a, b) => started(b) - started(a));
}
