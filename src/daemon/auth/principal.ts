import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { registerSecret } from '../../contract/redact.ts';
import type { Engine } from '../../engine/engine.ts';
import { hasRight, type Right, type Role, roleFor, roles } from './roles.ts';

/** Who asks: plans, rights and the audit go by this. */
export interface Principal {
  /** `socket`, `agent-socket`, or `key:<id>`. */
  id: string;
  role: Role;
}

/** Whoever may open the daemon's own socket is its user, or root. */
export const socketPeer: Principal = { id: 'socket', role: 'administrator' };
/** Members of the group that a hardened daemon admits: they ask, and someone else says yes. */
export const agentPeer: Principal = { id: 'agent-socket', role: 'requester' };

/** Where a request came in: over a socket its peer is known, over TCP it needs a key. */
export type Transport = { kind: 'socket'; peer: Principal } | { kind: 'tcp'; host: string };

/** Finds out who asks. Throws `unauthorized` without saying what exactly was wrong with the key. */
export function identifyPrincipal(
  engine: Pick<Engine, 'keys'>,
  transport: Transport,
  request: FastifyRequest,
): Principal {
  const key = keyOf(request);
  // A key is honoured on the socket too: an approver there is someone else than the socket's owner.
  if (transport.kind === 'socket' && key === undefined) return transport.peer;
  if (key === undefined) {
    throw new SkybackupError('unauthorized', 'The request carries no API key.', {
      hint: 'Send the key as header X-API-Key, or as Authorization: Bearer.',
    });
  }
  registerSecret(key);
  const row = engine.keys.find(key);
  if (row === undefined) throw new SkybackupError('unauthorized', 'The API key is unknown or revoked.');
  return { id: `key:${row.id}`, role: z.enum(roles).parse(row.role) };
}

/** Throws `forbidden` naming the role that is needed. */
export function demand(principal: Principal, right: Right, what: string): void {
  if (hasRight(principal.role, right)) return;
  const needed = roleFor(right);
  throw new SkybackupError('forbidden', `${what} needs the role ${needed}; this key has the role ${principal.role}.`, {
    hint: `Use a key with the role ${needed}: an administrator makes one with "skybackup keys create --role ${needed}".`,
  });
}

/** What comes from a bucket by its path, and with credentials, is an administrator's to bring. */
export function demandForBucket(principal: Principal): void {
  demand(principal, 'administer', 'Restoring from a bucket by its path');
}

/** The key that a request carries, in whichever header. */
export function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-api-key'];
  if (typeof header === 'string' && header !== '') return header.trim();
  const [, bearer] = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '') ?? [];
  return bearer;
}
