import type { Service } from '../../contract/services.ts';
import type { GuardContext } from '../context.ts';

/** A list of resources stays one that a person can look through. */
const mostListed = 50;

/** Whatever else a server calls a service fits in no URI. */
const plainId = /^[\w.-]{1,100}$/;

/**
 * The services that can be listed without starting anything: hosts list resources when they only look at a server. What cannot
 * be asked is left out, since the other resources are there all the same.
 */
export async function runningServices({ api, settings }: GuardContext, signal: AbortSignal): Promise<Service[]> {
  try {
    if (settings.provider.kind === 'local') {
      const { daemonHealth } = await import('../../client/start-daemon.ts');
      if ((await daemonHealth(settings.home)) === undefined) return [];
    }
    const services = await api.listServices({ signal, deadlineMs: 5000 });
    return services.filter(({ id }) => plainId.test(id)).slice(0, mostListed);
  } catch {
    return [];
  }
}
