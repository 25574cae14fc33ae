/** To read and write objects, and nothing else of a project. */
export const scope = 'https://www.googleapis.com/auth/devstorage.read_write';

/** Where access tokens come from: they accompany each request and are valid for about an hour. */
export interface TokenSource {
  /** The present one, or a new one when that ends soon. */
  token(): Promise<string>;
  /** It was refused: the next asked for is another. */
  forget(token: string): void;
}

/** A request under way when its token ends would be refused. */
const marginMs = 5 * 60_000;

/** Keeps a token until it ends soon. All who ask meanwhile wait for the same. */
export function keepTokens(obtain: () => Promise<{ token: string; lastsMs: number }>): TokenSource {
  interface Held {
    asked: Promise<string>;
    token?: string;
    /** On the clock that nobody sets. */
    until: number;
  }
  let held: Held | undefined;

  function renew(): Held {
    const renewed: Held = { asked: Promise.resolve(''), until: Number.POSITIVE_INFINITY };
    renewed.asked = obtain().then(
      ({ token, lastsMs }) => {
        renewed.token = token;
        renewed.until = performance.now() + Math.max(lastsMs - marginMs, lastsMs / 2);
        return token;
      },
      (error: unknown) => {
        if (held === renewed) held = undefined;
        throw error;
      },
    );
    return renewed;
  }

  return {
    token() {
      if (held === undefined || performance.now() >= held.until) held = renew();
      return held.asked;
    },
    forget(token) {
      if (held?.token === token) held = undefined;
    },
  };
}
