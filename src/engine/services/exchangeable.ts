import { existsSync, readdirSync } from 'node:fs';
import { serviceIdPattern } from '../../contract/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import { managedLayout } from '../managed/layout.ts';
import type { RestoreTarget } from '../restore/data-place.ts';
import { notedTargets } from '../restore/swap-notes.ts';

/**
 * Every service whose data may be exchanged, or may have been when the daemon before this one ended: registered, or with
 * something left from before the state was lost.
 */
export function exchangeable({ home, state }: Pick<EngineContext, 'home' | 'state'>): RestoreTarget[] {
  const registered: RestoreTarget[] = state.services
    .list()
    .filter(({ control, datadir }) => control.kind !== 'none' && datadir !== undefined);
  const known = new Set(registered.map(({ id }) => id));
  const folders = existsSync(home.services) ? readdirSync(home.services) : [];
  const left = folders.filter((name) => serviceIdPattern.test(name) && !known.has(name));
  const noted = notedTargets(home).filter(({ id }) => !known.has(id));
  return [...registered, ...noted, ...left.map((id) => managedTarget(home, id))];
}

function managedTarget(home: EngineContext['home'], id: string): RestoreTarget {
  const { data, clientFile } = managedLayout(home, id);
  return { id, control: { kind: 'managed' }, connection: { defaults_file: clientFile }, datadir: data };
}
