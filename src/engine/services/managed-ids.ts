import { existsSync, readdirSync } from 'node:fs';
import { serviceIdPattern } from '../../contract/ids.ts';
import type { EngineContext } from '../engine-context.ts';

/** Every service with a server of the daemon's own: registered, or with a folder left from before the state was lost. */
export function managedIds({ home, state }: Pick<EngineContext, 'home' | 'state'>): string[] {
  const folders = existsSync(home.services) ? readdirSync(home.services) : [];
  const registered = state.services.list().filter((service) => service.control.kind === 'managed');
  return [...new Set([...folders.filter((name) => serviceIdPattern.test(name)), ...registered.map(({ id }) => id)])];
}
