import type { ServerResponse } from 'node:http';
import type { StoredObject } from './gcs-objects.ts';

/** An answer that says no, in the API's shape. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export function refuse(response: ServerResponse, { status, reason, message }: Refused): void {
  send(response, status, { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } });
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

/** An object's resource: numbers of 64 bits are strings in it. */
export function resourceOf(bucket: string, object: StoredObject): Record<string, unknown> {
  const { name, size, generation, crc32c, md5Hash, metadata, updated } = object;
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    name,
    bucket,
    generation: String(generation),
    metageneration: '1',
    contentType: 'application/octet-stream',
    size: String(size),
    md5Hash,
    crc32c,
    metadata,
    timeCreated: updated.toISOString(),
    updated: updated.toISOString(),
  };
}

export const refusals = {
  unauthenticated: () => new Refused(401, 'authError', 'Invalid Credentials'),
  noBucket: () => new Refused(404, 'notFound', 'The specified bucket does not exist.'),
  noObject: (bucket: string, name: string) => new Refused(404, 'notFound', `No such object: ${bucket}/${name}`),
  noSession: () => new Refused(404, 'notFound', 'The upload session is not known.'),
  denied: (permission: string) =>
    new Refused(
      403,
      'forbidden',
      `backup@project-of-the-tests.iam.gserviceaccount.com does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`,
    ),
  precondition: () =>
    new Refused(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.'),
  range: () => new Refused(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable'),
  invalid: (message: string) => new Refused(400, 'invalid', message),
  checksum: (given: string, found: string) =>
    new Refused(400, 'invalid', `Provided CRC32C "${given}" doesn't match calculated CRC32C "${found}".`),
  retained: (reason: string) =>
    new Refused(
      403,
      reason,
      reason === 'objectUnderActiveHold'
        ? 'Object is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.'
        : "Object is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until 2099-01-01T00:00:00Z",
    ),
};
