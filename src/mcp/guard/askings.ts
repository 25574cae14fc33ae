import type { RequestId } from '@modelcontextprotocol/server';

/** Hosts end a call after about a minute; a question open this long was not simply stopped by a person. */
const longWaitMs = 25_000;
/** Subjects whose questions went unanswered. */
const mostRemembered = 1000;

interface Asking {
  /** As the client numbered it: no two clients of one principal number apart. */
  request: RequestId;
  subject: string;
  since: number;
  /** Voids the plan: a yes that comes later must not count. */
  giveUp: () => void;
  stop: () => void;
}

/**
 * Questions that wait for a person on one connection, or of one principal whose requests come without one. In the newer protocol the asking request is answered at once and the yes
 * comes with another one, so the SDK no longer knows which call a cancellation ends: this does. It also remembers hosts that
 * declare that they can ask and then never do.
 */
export class Askings {
  /** The server's own key was refused as an approver: asking through this client is in vain. */
  mayNotApprove = false;
  readonly #beatMs: number;
  /** By plan: one can be asked about once at a time. */
  readonly #open = new Map<string, Asking>();
  readonly #unanswered = new Map<string, number>();

  /** `beatMs`: hosts give up on a call that is silent for a minute. */
  constructor(beatMs = 15_000) {
    this.#beatMs = beatMs;
  }

  /**
   * `beat` runs every 15 s while the question is open, and `giveUp` if the asking request is cancelled or nobody answers in time.
   * The result cancels this question, for whoever sees its request end.
   */
  add(
    request: RequestId,
    asking: { plan: string; subject: string; giveUp: () => void; beat: (() => void) | undefined; patienceMs: number },
  ): () => void {
    const { plan, subject, giveUp } = asking;
    for (const [id, earlier] of this.#open) if (id === plan || earlier.subject === subject) this.#close(id, false);
    const beats = asking.beat && setInterval(asking.beat, this.#beatMs).unref();
    const patience = setTimeout(() => cancel(), asking.patienceMs).unref();
    const stop = (): void => {
      clearInterval(beats);
      clearTimeout(patience);
    };
    const own: Asking = { request, subject, giveUp, since: Date.now(), stop };
    const cancel = (): void => {
      if (this.#open.get(plan) !== own) return;
      this.#close(plan, false);
      giveUp();
    };
    this.#open.set(plan, own);
    return cancel;
  }

  /** The client of this one connection cancelled a request, whether it was answered already or not. */
  cancelled(request: RequestId): void {
    for (const [plan, asking] of this.#open) {
      if (asking.request !== request) continue;
      this.#close(plan, false);
      asking.giveUp();
    }
  }

  /** An answer came: the host does ask people. */
  answered(plan: string): void {
    this.#close(plan, true);
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

  #close(plan: string, answered: boolean): void {
    const asking = this.#open.get(plan);
    if (asking === undefined) return;
    asking.stop();
    this.#open.delete(plan);
    if (answered) return;
    const weight = Date.now() - asking.since >= longWaitMs ? 2 : 1;
    const times = (this.#unanswered.get(asking.subject) ?? 0) + weight;
    this.#unanswered.delete(asking.subject);
    this.#unanswered.set(asking.subject, times);
    const [eldest] = this.#unanswered.keys();
    // Where one lasts as long as a daemon, what is remembered must not grow with what is asked.
    if (eldest !== undefined && this.#unanswered.size > mostRemembered) this.#unanswered.delete(eldest);
  }
}
