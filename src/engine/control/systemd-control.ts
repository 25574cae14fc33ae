import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import { awaitStart } from './command-control.ts';
import { type PoweredService, proveStopped, type SeenServer, seeServer } from './seen-server.ts';
import type { ServerControl } from './server-control.ts';

/** `systemctl stop` returns when all of the unit is gone: a server that lives on for longer is another unit's. */
const graceMs = 10_000;
/** What was killed is gone at once, or was not killed. */
const killedMs = 1000;

/** Stops and starts a server by its systemd unit; what systemctl says is checked against the real process. */
export function systemdControl(service: PoweredService, unit: string): ServerControl {
  return {
    async stop({ timeoutMs, signal, warn }) {
      const seen = await seeServer(service, signal);
      await systemctl('stop', unit, timeoutMs, signal);
      const asked = `systemd has stopped ${unit}`;
      const gaveUp = await gaveUpStopping(unit);
      try {
        const grace = Math.min(gaveUp ? killedMs : graceMs, timeoutMs);
        await proveStopped(service, seen, { timeoutMs: grace, signal, asked });
      } catch (error) {
        if (!(error instanceof SkybackupError) || error.code !== 'timeout') throw error;
        if (gaveUp) throw lateStop(service.id, unit, seen);
        throw new SkybackupError('service_failed', error.message, {
          hint: `Nothing was killed. The server of ${service.id} is no part of ${unit}: register the service with the right unit.`,
        });
      }
      if (gaveUp) {
        warn(
          `The server of ${service.id} had not ended in the time that ${unit} gives it (TimeoutStopSec), and systemd ended it by force.`,
        );
      }
    },

    async start(turn) {
      // Whoever answers there already: this server, which is what was wanted, or another, which is refused by name.
      if ((await seeServer(service, turn.signal)).answer !== 'silent') return;
      await systemctl('start', unit, turn.timeoutMs, turn.signal);
      await awaitStart(service, turn, {
        what: `systemctl start ${unit}`,
        failure: () => undefined,
        done: () => true,
        noShowMs: graceMs,
      });
    },
  };
}

/** `systemctl stop` ends well also when systemd lost its patience: it then kills the server, or lets it run (SendSIGKILL=no). */
async function gaveUpStopping(unit: string): Promise<boolean> {
  return (await property(unit, 'Result')) === 'timeout';
}

function lateStop(id: string, unit: string, { process }: SeenServer): SkybackupError {
  const server = `the server of ${id}${process === undefined ? '' : ` (process ${process.pid})`}`;
  return new SkybackupError(
    'timeout',
    `systemd gave up stopping ${unit} after its TimeoutStopSec, and ${server} still runs.`,
    {
      hint: `Nothing was killed. Read its log, wait until it is gone or end it by hand, and give ${unit} a longer TimeoutStopSec.`,
    },
  );
}

/** Throws `conflict` or `unsupported` when systemd would not start the unit again once it was stopped. */
export async function checkStartable(unit: string): Promise<void> {
  const state = await property(unit, 'LoadState').catch(() => '');
  // Where systemd says nothing, the stop will tell why.
  if (state === 'loaded' || state === '') return;
  if (state === 'masked') {
    throw new SkybackupError('conflict', `${unit} is masked: once stopped it could not be started again.`, {
      hint: `Let it be started with "systemctl unmask ${unit}" (also with --runtime), then try again.`,
    });
  }
  throw new SkybackupError(
    'unsupported',
    `systemd calls ${unit} ${state}: once stopped it could not be started again.`,
    {
      hint: `Look with "systemctl status ${unit}", and mend its unit file or register the service with the right unit.`,
    },
  );
}

/** Ends the tries of a unit that starts its server again and again: a mask lets the one that has begun go on. */
export async function endRestarts(unit: string): Promise<void> {
  if ((await unitState(unit, 5000)) === 'activating') await systemctl('stop', unit, 60_000, undefined);
}

/**
 * Keeps a stopped unit from being started by anybody, until it is let go or the machine is started anew. After the stop only:
 * a masked unit has lost its own ways to be stopped gently. Returns why it could not be; never throws.
 */
export async function withholdUnit(unit: string, withheld: boolean): Promise<string | undefined> {
  try {
    await systemctl(withheld ? 'mask' : 'unmask', unit, 60_000, undefined, ['--runtime']);
    if (!withheld) return undefined;
    // A unit file in /etc goes before what is masked at run time.
    const state = await property(unit, 'LoadState');
    return state === 'masked' ? undefined : `systemd still calls it ${state || 'something unknown'}.`;
  } catch (error) {
    return toSkybackupError(error).message;
  }
}

function property(unit: string, name: 'LoadState' | 'Result'): Promise<string> {
  return ask(['show', `--property=${name}`, '--value', '--', unit], 10_000);
}

/** What systemctl prints, whatever its exit code. */
async function ask(args: readonly string[], timeoutMs: number): Promise<string> {
  const command = startCommand({ path: findTool('systemctl'), args }, { signal: AbortSignal.timeout(timeoutMs) });
  const words: string[] = [];
  command.stdout?.setEncoding('utf8').on('data', (text: string) => words.push(text));
  await command.exit;
  return words.join('').trim();
}

export type UnitState = 'active' | 'activating' | 'deactivating' | 'inactive' | 'failed' | 'unknown';

/** What systemd says of a unit; `unknown` where it cannot be asked. */
export async function unitState(unit: string, timeoutMs: number): Promise<UnitState> {
  try {
    const word = await ask(['is-active', '--', unit], timeoutMs);
    // A reloading server serves.
    if (word === 'reloading' || word === 'refreshing') return 'active';
    return (
      (['active', 'activating', 'deactivating', 'inactive', 'failed'] as const).find((each) => each === word) ??
      'unknown'
    );
  } catch {
    return 'unknown';
  }
}

/** Runs systemctl without a shell, and names what keeps it from working. */
async function systemctl(
  verb: Verb,
  unit: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  options: readonly string[] = [],
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const command = startCommand(
    // After `--` a unit that begins with a dash is a unit.
    { path: pathOf(verb, unit), args: [verb, ...options, '--no-ask-password', '--', unit] },
    { stdout: 'ignore', signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) },
  );
  const exit = await command.exit;
  if (exit.code === 0) return;
  signal?.throwIfAborted();
  if (timeout.aborted) {
    throw new SkybackupError(
      'timeout',
      `systemctl ${verb} ${unit} has not ended after ${Math.round(timeoutMs / 1000)} s.`,
      {
        hint: `Nothing was killed, and systemd goes on with it: look with "systemctl status ${unit}".`,
      },
    );
  }
  throw refusal(verb, unit, exit);
}

/** Installing systemctl would be no help where another init system runs, so what helps is said here. */
function pathOf(verb: Verb, unit: string): string {
  try {
    return findTool('systemctl');
  } catch (error) {
    if (!(error instanceof SkybackupError) || error.code !== 'tool_missing') throw error;
    const message = `There is no systemctl on this machine, so ${unit} cannot be ${done[verb]}.`;
    throw new SkybackupError('tool_missing', message, { hint: otherControl, details: error.details });
  }
}

const done = { start: 'started', stop: 'stopped', mask: 'masked', unmask: 'unmasked' } as const;
type Verb = keyof typeof done;
const otherControl = 'Forget the service and register it with --stop-command and --start-command instead.';

function refusal(verb: Verb, unit: string, exit: CommandExit): SkybackupError {
  const words = exit.stderr.join('\n');
  if (/not been booted with systemd|Failed to connect to (?:system scope )?bus/i.test(words)) {
    const message = `systemd does not run on this machine, so ${unit} cannot be ${done[verb]}.`;
    return new SkybackupError('unsupported', message, { hint: otherControl });
  }
  if (/Unit .* (?:not found|not loaded|could not be found)/i.test(words)) {
    return new SkybackupError('unsupported', `systemd knows no unit ${unit}.`, {
      hint: 'Find its name with "systemctl list-units --type=service", and register the service with it.',
    });
  }
  if (/authentication (?:is )?required|access denied|permission denied/i.test(words)) {
    return new SkybackupError('access_denied', `The daemon's user may not ${verb} ${unit}.`, {
      hint: 'Run the daemon as root, or let its user control the unit by a polkit rule.',
    });
  }
  return new SkybackupError('service_failed', `${unit} was not ${done[verb]}: ${describeExit(exit)}`, {
    hint: `Look with "systemctl status ${unit}" and "journalctl -u ${unit}", mend the reason, and try again.`,
  });
}
