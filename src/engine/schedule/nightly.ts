import { createHash } from 'node:crypto';

/** Every night between 02:00 and 02:59 UTC, at a minute of the service's own: a hundred services must not begin at once. */
export function nightlyCron(serviceId: string): string {
  const minute = createHash('sha256').update(serviceId).digest().readUInt16BE(0) % 60;
  return `${minute} 2 * * *`;
}
