import { SkybackupError } from '../../contract/errors.ts';

/**
 * Browsers name the page that sends a request. The daemon has no pages, so one of another origin has no business here, whatever
 * key it carries; programs send no Origin. Behind `checkHost`, so that the Host compared with is one of the daemon's own.
 */
export function checkOrigin(origin: string | undefined, host: string | undefined): void {
  if (origin === undefined) return;
  const { host: page } = (URL.canParse(origin) && new URL(origin)) || { host: '' };
  if (page !== '' && page === host?.toLowerCase()) return;
  throw new SkybackupError('forbidden', 'The request comes from a web page of another origin.', {
    hint: 'Call the daemon from a program; pages have no access to it.',
  });
}
