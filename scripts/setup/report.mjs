/** A step that cannot go on: its name, what happened, and lines for the person (output tail, what to do). */
export class StepFailed extends Error {
  /**
   * @param {string} step
   * @param {string} message
   * @param {string[]} [lines]
   */
  constructor(step, message, lines = []) {
    super(message);
    this.step = step;
    this.lines = lines;
  }
}

/** @typedef {{ name: string, pause: () => void, say: (line: string) => void }} Step `pause` stops the ticking while a person is asked */

/**
 * Progress for people: one line a step; at a terminal the running step's time ticks, elsewhere a sign of life every 20 seconds.
 *
 * @param {NodeJS.WriteStream} out
 */
export function createReport(out) {
  const started = Date.now();
  const colour = out.isTTY && !process.env.NO_COLOR;
  /** @param {string} code @param {string} text */
  const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  /** @param {number} since */
  const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(since === started ? 1 : 0)} s`;
  let worked = false;

  return {
    /** @param {string} line */
    note(line) {
      out.write(`  · ${line}\n`);
    },

    /**
     * @template T
     * @param {string} name
     * @param {string} what
     * @param {(step: Step) => Promise<T>} work
     * @returns {Promise<T>}
     */
    async step(name, what, work) {
      if (!worked) out.write(`${paint('1', 'Setting up skybackup')}\n`);
      worked = true;
      const since = Date.now();
      const line = `${name.padEnd(18)}${what}`;
      const width = (out.columns ?? 80) - 12;
      const tick = () =>
        out.isTTY
          ? out.write(`\r\x1b[2K  … ${line.slice(0, width)}  ${paint('2', seconds(since))}`)
          : out.write(`  … ${name}: still working, ${seconds(since)}\n`);
      if (out.isTTY) tick();
      else out.write(`  … ${line}\n`);
      const timer = setInterval(tick, out.isTTY ? 1000 : 20_000);
      const clear = () => out.isTTY && out.write('\r\x1b[2K');
      const pause = () => {
        clearInterval(timer);
        clear();
      };
      try {
        const result = await work({
          name,
          pause,
          say: (text) => {
            clear();
            out.write(`  · ${text}\n`);
          },
        });
        clear();
        out.write(`  ${paint('32', '✓')} ${line}  ${paint('2', seconds(since))}\n`);
        return result;
      } finally {
        pause();
      }
    },

    /** @param {string} what */
    done(what) {
      if (worked) out.write(`  ${paint('32', '✓')} ${what}  ${paint('2', seconds(started))}\n\n`);
    },

    /** @param {StepFailed} error */
    failed(error) {
      out.write(`  ${paint('31', '✗')} ${paint('1', error.step)}: ${error.message}\n`);
      for (const line of error.lines) out.write(`      ${line}\n`);
      out.write(
        `Set-up stopped at "${error.step}". When that is mended, run the same command again: what is done stays done.\n`,
      );
    },
  };
}
