import type { Connection, Control } from '../contract/services.ts';

/** A registered MariaDB server as the engine knows it. */
export interface ServiceRecord {
  id: string;
  name: string;
  control: Control;
  /** For a managed service: its socket and the defaults file with the daemon's own account. */
  connection: Connection;
  /** Absent: dumps and binary logs only. */
  datadir: string | undefined;
  /** Changes with every restore (and undo); backup chains never cross it. */
  incarnation: string;
  created_at: string;
}
