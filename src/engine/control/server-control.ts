import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { startManagedServer, stopManagedServer } from '../managed/managed-server.ts';
import { isBeingExchanged } from '../restore/data-place.ts';
import type { ServiceRecord } from '../service.ts';
import { commandControl } from './command-control.ts';
import type { PoweredService } from './seen-server.ts';
import { systemdControl } from './systemd-control.ts';

/** One start or stop. */
export interface ControlTurn {
  /** For the whole of it. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Something the person should know though it went well. */
  warn(message: string): void;
}

/** How a server is stopped and started. Both resolve only when it is proven; neither ever kills the server. */
export interface ServerControl {
  start(turn: ControlTurn): Promise<void>;
  stop(turn: ControlTurn): Promise<void>;
}

type Controlled = PoweredService & Pick<ServiceRecord, 'control'>;

/**
 * The control a service was registered with. It refuses to stop or start a server whose data are being exchanged: one that
 * found no data, or half of them, would make new ones. Throws `unsupported` for a service without control.
 */
export function controlOf(home: Home, service: Controlled): ServerControl {
  const control = plainControlOf(home, service);
  const refuseDuringExchange = (): void => {
    if (!isBeingExchanged(home, service)) return;
    throw new SkybackupError(
      'conflict',
      `A restore is exchanging the data of ${service.id}: it cannot be started or stopped now.`,
      {
        hint: 'Wait for the restore to end. If none runs, restart the daemon: it finishes or reverses what was begun.',
      },
    );
  };
  return {
    async start(turn) {
      refuseDuringExchange();
      await control.start(turn);
    },
    async stop(turn) {
      refuseDuringExchange();
      await control.stop(turn);
    },
  };
}

/** As `controlOf`, for the exchange itself. */
export function plainControlOf(home: Home, service: Controlled): ServerControl {
  const { control } = service;
  switch (control.kind) {
    case 'managed':
      return {
        start: async ({ signal }) => void (await startManagedServer(home, service, signal)),
        stop: ({ signal, timeoutMs }) => stopManagedServer(home, service, signal, timeoutMs),
      };
    case 'systemd':
      return systemdControl(service, control.unit);
    case 'command':
      return commandControl(service, control, join(home.root, 'commands', `${service.id}.log`));
    case 'none':
      throw new SkybackupError(
        'unsupported',
        `Service ${service.id} was registered without a way to stop and start it (none).`,
        {
          hint: 'Do it with the tools of its machine; or forget the service and register it again with --systemd, or with --stop-command and --start-command.',
        },
      );
  }
}
