import { type McpServer, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { outwardText } from '../outward.ts';
import { resourceOf } from './all.ts';
import type { ResourceWatch } from './watch.ts';

/** The URIs among these of which a change can be told; what never changes needs no look. */
export function watchable(uris: readonly string[]): string[] {
  return uris.filter((uri) => resourceOf(uri)?.constant === false);
}

/** `resources/subscribe` and `unsubscribe` of older clients, for one connection. The returned function ends them all. */
export function acceptSubscriptions({ server }: McpServer, watch: ResourceWatch): () => void {
  const subscribed = new Map<string, Promise<() => void>>();
  const tell = (uri: string): void => void server.sendResourceUpdated({ uri }).catch(() => undefined);
  const end = (uri: string): void => {
    void subscribed.get(uri)?.then(
      (release) => release(),
      () => undefined,
    );
    subscribed.delete(uri);
  };
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    if (resourceOf(uri) === undefined) throw new ResourceNotFoundError(outwardText(uri, 300));
    if (!subscribed.has(uri)) subscribed.set(uri, watch.add(watchable([uri]), tell));
    try {
      await subscribed.get(uri);
    } catch (error) {
      subscribed.delete(uri);
      throw error;
    }
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', async ({ params: { uri } }) => {
    end(uri);
    return {};
  });
  return () => {
    for (const uri of [...subscribed.keys()]) end(uri);
  };
}
