import { isJSONRPCRequest, type JSONRPCRequest } from '@modelcontextprotocol/server';
import { toSkybackupError } from '../../contract/errors.ts';
import { outwardText } from '../outward.ts';
import { watchable } from './subscriptions.ts';

/**
 * `subscriptions/listen` of newer clients. The SDK answers it before any server of ours sees it, so it is held on the way:
 * until the resources were looked at, and with those alone of which changes can be told, so that the acknowledgement is true.
 */
export function asListen(message: unknown): { request: JSONRPCRequest; uris: string[] } | undefined {
  if (!isJSONRPCRequest(message) || message.method !== 'subscriptions/listen') return undefined;
  const filter: unknown = message.params?.notifications;
  if (typeof filter !== 'object' || filter === null || !('resourceSubscriptions' in filter)) return undefined;
  const { resourceSubscriptions: wanted } = filter;
  // Malformed ones are the SDK's to refuse.
  if (!Array.isArray(wanted) || !wanted.every((uri) => typeof uri === 'string')) return undefined;
  const uris = watchable(wanted);
  const notifications = { ...filter, resourceSubscriptions: uris };
  return { request: { ...message, params: { ...message.params, notifications } }, uris };
}

/** Why it is not served: the answer to it. */
export function refusal({ id }: JSONRPCRequest, thrown: unknown) {
  const { message, hint } = toSkybackupError(thrown);
  return { jsonrpc: '2.0' as const, id, error: { code: -32603, message: outwardText(`${message} ${hint}`, 300) } };
}
