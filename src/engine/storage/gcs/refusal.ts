/** A server's answer that says no. Of the answer only this is kept: what it may quote of a request carries tokens. */
export class Refusal extends Error {
  readonly status: number;
  /** The server's own word, such as `conditionNotMet` or `invalid_grant`. */
  readonly reason: string | undefined;
  /** Its sentence; for looking into, never to be shown. */
  readonly says: string;

  constructor(status: number, reason: string | undefined, says = '') {
    super(`The server answered ${status}.`);
    this.name = 'Refusal';
    this.status = status;
    this.reason = reason;
    this.says = says;
  }
}

interface ErrorAnswer {
  /** A word where tokens are given, an object where objects lie. */
  error?: string | { message?: string; errors?: { reason?: string }[] };
  error_description?: string;
}

/** Reads an answer's body, which may also be a proxy's page or nothing. */
export function refusalOf(status: number, body: string): Refusal {
  let answer: ErrorAnswer = {};
  try {
    answer = (JSON.parse(body) as ErrorAnswer | null) ?? {};
  } catch {
    return new Refusal(status, undefined, body.slice(0, 1000));
  }
  const { error, error_description } = answer;
  if (typeof error === 'string') return new Refusal(status, error, error_description);
  return new Refusal(status, error?.errors?.[0]?.reason, error?.message);
}
