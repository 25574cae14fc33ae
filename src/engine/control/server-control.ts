import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { startManagedServer, stopManagedServer } from '../managed/managed-server.ts';
import type { StoredService } from '../store/services-table.ts';
import { commandControl } from './command-control.ts';
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

/** The control a service was registered with. Throws `unsupported` for one without. */
export function controlOf(home: Home, service: StoredService): ServerControl {
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
