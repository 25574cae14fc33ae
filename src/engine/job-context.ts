/** What a running job may do to the world around it: report, and notice that it was cancelled. */
export interface JobContext {
  readonly signal: AbortSignal;
  /** A stable word for people and tests: `connecting`, `copying`, `publishing`, `materialising`, `preparing`, `proving`, `swapping`, … */
  phase(name: string, message?: string): void;
  /** Bytes done so far in this phase (uncompressed), and how many are expected, if known. */
  progress(bytes: number, totalBytes?: number): void;
  /** Something the person should know though the job goes on. */
  warn(message: string): void;
}
