import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { runRegistered } from './registered-command.ts';
import { hasGone, type PoweredService, proveStopped, type SeenServer, seeServer } from './seen-server.ts';
import type { ControlTurn, ServerControl } from './server-control.ts';

/**
 * Stops and starts a server by the two commands it was registered with. Neither is believed: stopped is a server whose
 * process is gone and whose files nobody has open, started one that answers from its data directory. Nothing is SIGKILLed.
 * `noShowMs`: how long after a start command has ended well a server must be seen to work in the data directory.
 */
export function commandControl(
  service: PoweredService,
  commands: { start: string; stop: string },
  log: string,
  noShowMs = 30_000,
): ServerControl {
  return {
    async stop(turn) {
      const { timeoutMs, signal, warn } = turn;
      const begun = Date.now();
      const seen = await seeServer(service, signal);
      const command = runRegistered(commands.stop, log);
      try {
        const end = await command.within(timeoutMs, signal);
        if (end?.ok) {
          const left = Math.max(0, timeoutMs - (Date.now() - begun));
          const asked = `The stop command of ${service.id} ended well`;
          return await proveStopped(service, seen, { timeoutMs: left, signal, asked });
        }
        const how = end === undefined ? `has not ended after ${Math.round(timeoutMs / 1000)} s` : end.words;
        const failure = `The stop command of ${service.id} ${how}`;
        if (!(await hasGone(service, seen, signal))) throw notStopped(failure, seen, end === undefined);
        await proveStopped(service, seen, { timeoutMs: 0, signal, asked: failure });
        warn(`${failure} The server is gone all the same.`);
      } finally {
        command.giveUp(service.datadir);
      }
    },

    async start(turn) {
      // Whoever answers there already: this server, which is what was wanted, or another, which is refused by name.
      const seen = await seeServer(service, turn.signal);
      if (seen.answer !== 'silent' || (await comesUp(service, seen, turn))) return;
      const command = runRegistered(commands.start, log);
      try {
        await awaitStart(service, turn, {
          what: `The start command of ${service.id}`,
          failure: () => (command.ended?.ok === false ? command.ended.words : undefined),
          done: () => command.ended !== undefined,
          noShowMs,
        });
        // A command that ends soon after is let end; one that stays (it may watch the server) is left alone.
        await command.within(2000, turn.signal);
      } catch (error) {
        command.giveUp(service.datadir);
        throw error;
      }
    },
  };
}

/**
 * Waits for a server that works in the data directory and does not answer yet. A second one would wait for the first to end,
 * and come up in the moment that is stopped. False when there is none, or it ended.
 */
async function comesUp(service: PoweredService, first: SeenServer, turn: ControlTurn): Promise<boolean> {
  const deadline = Date.now() + turn.timeoutMs;
  for (let seen = first; seen.process !== undefined; seen = await seeServer(service, turn.signal)) {
    if (seen.answer !== 'silent') return true;
    if (Date.now() >= deadline) {
      throw new SkybackupError(
        'timeout',
        `A server of ${service.id} runs (process ${seen.process.pid}) and has not answered within ${Math.round(turn.timeoutMs / 1000)} s. No other was started.`,
        { hint: 'It may still be recovering: read its log, wait, and look at the service again.' },
      );
    }
    await delay(50, undefined, turn.signal === undefined ? {} : { signal: turn.signal });
  }
  return false;
}

function notStopped(failure: string, { process }: SeenServer, late: boolean): SkybackupError {
  const still = process === undefined ? 'A server still answers.' : `The server (process ${process.pid}) still runs.`;
  const sentence = late ? `${failure}.` : failure;
  return new SkybackupError(late ? 'timeout' : 'service_failed', `${sentence} ${still}`, {
    hint: "Nothing was killed. Try the command by hand as the daemon's user, mend it, and stop the service again.",
  });
}

export interface StartWatch {
  /** Who starts it, for messages: "The start command of orders". */
  what: string;
  /** Why it failed, once it has. */
  failure(): string | undefined;
  /** It has ended, well or not. */
  done(): boolean;
  noShowMs: number;
}

/** Waits until the server answers from its data directory. Throws `service_failed`, `timeout`, `wrong_data_directory`, `wrong_server`. */
export async function awaitStart(service: PoweredService, turn: ControlTurn, watch: StartWatch): Promise<void> {
  const { timeoutMs, signal, warn } = turn;
  const deadline = Date.now() + timeoutMs;
  let doneAt: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    // Asked before the look: what a failed command left behind is seen by a look after it.
    const failure = watch.failure();
    if (watch.done()) doneAt ??= Date.now();
    const seen = await seeServer(service, signal);
    if (seen.answer !== 'silent') {
      if (failure !== undefined) warn(`${watch.what} ${failure} The server runs all the same.`);
      if (seen.answer === 'denied') warn(`The server of ${service.id} runs and refuses the login of skybackup.`);
      return;
    }
    if (failure !== undefined) {
      throw new SkybackupError('service_failed', `${watch.what} ${failure}`, {
        hint: "Read the server's own log, mend the reason, and start the service again.",
      });
    }
    const gone = seen.process === undefined && service.datadir !== undefined;
    if (gone && doneAt !== undefined && Date.now() - doneAt >= watch.noShowMs) {
      throw new SkybackupError(
        'service_failed',
        `${watch.what} ended well, and no server works in ${service.datadir}.`,
        {
          hint: "Read the server's own log: it may have ended at once, or have been started on other data.",
        },
      );
    }
    if (Date.now() >= deadline) {
      const process = seen.process === undefined ? 'no answer came' : `process ${seen.process.pid} does not answer`;
      throw new SkybackupError(
        'timeout',
        `${watch.what} was run, and ${process} within ${Math.round(timeoutMs / 1000)} s.`,
        {
          hint: 'It may still be recovering: read its log, wait, and look at the service again.',
        },
      );
    }
    await delay(50, undefined, signal === undefined ? {} : { signal });
  }
}
