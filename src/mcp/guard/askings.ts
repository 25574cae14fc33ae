import type { RequestId } from '@modelcontextprotocol/server';

/** Hosts end a call after about a minute; a question open this long was not simply stopped by a person. */
const longWaitMs = 25_000;

interface Asking {
  plan: string;
  subject: string;
  since: number;
  /** Voids the plan: a yes that comes later must not count. */
  giveUp: () => void;
  stop: () => void;
}

/**
 * Questions that wait for a person on one connection. In the newer protocol the asking request is answered at once and the yes
 * comes with another one, so the SDK no longer knows which call a cancellation ends: this does. It also remembers hosts that
 * declare that they can ask and then never do.
 */
export class Askings {
  /** The server's own key was refused as an approver: asking through this client is in vain. */
  mayNotApprove = false;
  readonly #beatMs: number;
  #open = new Map<RequestId, Asking>();
  #unanswered = new Map<string, number>();

  /** `beatMs`: hosts give up on a call that is silent for a minute. */
  constructor(beatMs = 15_000) {
    this.#beatMs = beatMs;
  }

  /** `beat` runs every 15 s while the question is open, and `giveUp` if the asking request is cancelled or nobody answers in time. */
  add(
    request: RequestId,
    asking: { plan: string; subject: string; giveUp: () => void; beat: (() => void) | undefined; patienceMs: number },
  ): void {
    for (const [id, earlier] of this.#open) if (earlier.subject === asking.subject) this.#close(id, false);
    const beats = asking.beat && setInterval(asking.beat, this.#beatMs).unref();
    const patience = setTimeout(() => this.cancelled(request), asking.patienceMs).unref();
    const stop = (): void => {
      clearInterval(beats);
      clearTimeout(patience);
    };
    this.#open.set(request, { ...asking, since: Date.now(), stop });
  }

  /** The client cancelled a request, whether it was answered already or not. */
  cancelled(request: RequestId): void {
    const asking = this.#open.get(request);
    this.#close(request, false);
    asking?.giveUp();
  }

  /** An answer came: the host does ask people. */
  answered(plan: string): void {
    for (const [request, asking] of this.#open) if (asking.plan === plan) this.#close(request, true);
    this.#unanswered.clear();
  }

  /** Whether to name the terminal instead of asking in vain again. */
  wentUnanswered(subject: string): boolean {
    return (this.#unanswered.get(subject) ?? 0) >= 2;
  }

  close(): void {
    for (const asking of this.#open.values()) asking.stop();
    this.#open.clear();
  }

  #close(request: RequestId, answered: boolean): void {
    const asking = this.#open.get(request);
    if (asking === undefined) return;
    asking.stop();
    this.#open.delete(request);
    if (answered) return;
    const weight = Date.now() - asking.since >= longWaitMs ? 2 : 1;
    this.#unanswered.set(asking.subject, (this.#unanswered.get(asking.subject) ?? 0) + weight);
  }
}
