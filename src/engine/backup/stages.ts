/**
 * Follows mariadb-backup through its stderr: which lock it waits for and since when, and the lines that explain a failure.
 * Its own `--startup-wait-timeout` is not used: that one also waits for a moment in which no statement runs at all, which
 * never comes on a busy server, and it bounds the first of the four locks only.
 */
export class BackupStages {
  readonly #waitMs: number;
  readonly #onTimeout: () => void;
  readonly #onWaiting: (stage: string | undefined) => void;
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;
  #told = false;
  /** The stage whose lock did not come in time. */
  timedOut: string | undefined;
  /** The moment the data is of: from here on nothing commits until the position was read. */
  commitsBlockedAt: Date | undefined;
  /** From here on no table is made, changed or dropped. */
  onDdlBlocked: (() => void) | undefined;
  readonly notable: string[] = [];

  constructor(waitMs: number, onWaiting: (stage: string | undefined) => void, onTimeout: () => void) {
    this.#waitMs = waitMs;
    this.#onWaiting = onWaiting;
    this.#onTimeout = onTimeout;
  }

  readonly line = (line: string): void => {
    const waits = /Start(?:ing|ed) BACKUP STAGE (\w+)/.exec(line)?.[1];
    const acquired = /Acquired locks for BACKUP STAGE (\w+)/.exec(line)?.[1];
    if (waits !== undefined && waits !== 'END') this.#wait(waits);
    if (acquired !== undefined) this.#acquired(acquired);
    if (notablePattern.test(line) && this.notable.length < 20) this.notable.push(line);
  };

  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#telling);
  }

  #wait(stage: string): void {
    this.end();
    this.#telling = setTimeout(() => {
      this.#told = true;
      this.#onWaiting(stage);
    }, 1000);
    this.#timer = setTimeout(() => {
      this.timedOut = stage;
      this.#onTimeout();
    }, this.#waitMs);
  }

  #acquired(stage: string): void {
    this.end();
    if (this.#told) this.#onWaiting(undefined);
    this.#told = false;
    if (stage === 'BLOCK_DDL') this.onDdlBlocked?.();
    if (stage === 'BLOCK_COMMIT') this.commitsBlockedAt = new Date();
  }
}

const notablePattern =
  /has different values|missing required privilege|Was only able to copy log|Try increasing the innodb_log_file_size|required redo|Access denied|Can't connect|Lost connection|gone away|Permission denied|errno: 13\b|FATAL ERROR|\[ERROR\]|mariabackup: Error|\bError: /i;
