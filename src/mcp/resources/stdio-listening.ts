import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';
import { asListen, refusal } from './listen-request.ts';
import type { ResourceWatch } from './watch.ts';

/** The subscriptions of one stdio connection. */
export class StdioListening {
  readonly #watch: ResourceWatch;
  readonly #tell: (uri: string) => void;
  /** By the id of the request that opened it; `true` says that it was ended while it was held. */
  readonly #open = new Map<RequestId, { release?: () => void; ended: boolean }>();

  constructor(watch: ResourceWatch, tell: (uri: string) => void) {
    this.#watch = watch;
    this.#tell = tell;
  }

  /** Whether the message was taken: then it is delivered, or answered, once the resources were looked at. */
  takes(
    message: JSONRPCMessage,
    deliver: (message: JSONRPCMessage) => void,
    answer: (message: JSONRPCMessage) => void,
  ): boolean {
    const listen = asListen(message);
    if (listen === undefined) return false;
    const { request, uris } = listen;
    this.end(request.id);
    const held: { release?: () => void; ended: boolean } = { ended: false };
    this.#open.set(request.id, held);
    this.#watch.add(uris, this.#tell).then(
      (release) => {
        if (held.ended) return release();
        held.release = release;
        deliver(request);
      },
      (error) => {
        this.#open.delete(request.id);
        if (!held.ended) answer(refusal(request, error));
      },
    );
    return true;
  }

  /** The client cancelled the request that opened it. */
  end(id: RequestId): void {
    const held = this.#open.get(id);
    if (held === undefined) return;
    held.ended = true;
    held.release?.();
    this.#open.delete(id);
  }
}
