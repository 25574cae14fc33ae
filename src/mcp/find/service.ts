import type { BackupApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import type { Service } from '../../contract/services.ts';
import { quoteText, unquoteText } from '../untrusted-text.ts';

/**
 * The one service that a person or a model means: by id, by domain name, or by a name that only one service has.
 * Anything else is refused with the candidates, so that nothing is ever done to a guessed service.
 */
export async function findService(api: BackupApi, given: string, signal: AbortSignal): Promise<Service> {
  const wanted = unquoteText(given);
  const services = await api.listServices({ signal });
  const byId = services.find(({ id }) => id === wanted) ?? services.find(({ id }) => id === serviceIdOf(wanted));
  if (byId !== undefined) return byId;
  const named = services.filter(({ name, fqdn }) => sameText(name, wanted) || sameText(fqdn, wanted));
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  if (named.length > 1) {
    throw new SkybackupError(
      'invalid_request',
      `${named.length} services are called ${quoteText(wanted)}: ${listed(named)}.`,
      { hint: 'Ask the person which one is meant, then call again with its id.' },
    );
  }
  throw new SkybackupError('not_found', `There is no service ${quoteText(wanted)}.`, {
    hint:
      services.length === 0
        ? 'No service is registered or visible. A person registers one with "skybackup services add".'
        : `The services are: ${listed(services)}. Call again with one of these ids.`,
  });
}

function sameText(a: string | undefined, b: string): boolean {
  return a !== undefined && a.trim().toLowerCase() === b.toLowerCase();
}

const mostListed = 12;

function listed(services: Service[]): string {
  const names = services.slice(0, mostListed).map(serviceLabel);
  return names.join(', ') + (services.length > mostListed ? ` and ${services.length - mostListed} more` : '');
}

/** `id` alone, or with its name where that says more. */
export function serviceLabel({ id, name }: Pick<Service, 'id' | 'name'>): string {
  const shown = quoteText(id, 80);
  return name === undefined || name === id ? shown : `${shown} (${quoteText(name, 60)})`;
}
