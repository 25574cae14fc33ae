import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where the local daemon keeps everything, and where its clients find it. */
export interface Home {
  root: string;
  /** The daemon's Unix socket: its permissions are the key. Its peers are administrators. */
  socket: string;
  /** Another name of `socket`, beside the agents' one. */
  adminSocket: string;
  /** Only of a daemon that admits a group: the group's members are requesters there. */
  agentSocket: string;
  log: string;
  /** Held (by pid and start time) while a daemon serves this home. */
  lock: string;
  state: string;
  /** Plans of the cloud provider; the daemon's own are in `state`. */
  cloudPlans: string;
  /** What MCP servers of this home were asked to change, a line each. The daemon's own audit is in `state`. */
  mcpAudit: string;
  /** One folder per managed service. */
  services: string;
  /** How the servers of others are reached whose data are being restored. */
  swaps: string;
  /** The default repository: a local directory. */
  repository: string;
  /** Other places for backups, a file each, with their credentials. */
  storages: string;
  /** What opens encrypted backups: files of age, or links to them. */
  identities: string;
  /** Where backups are made into data to prove them: one folder for each verification that runs. */
  verifications: string;
}

/** The home folder's layout. Default: `$XDG_STATE_HOME/skybackup`, that is `~/.local/state/skybackup`. */
export function homeOf(env: Readonly<Record<string, string | undefined>>): Home {
  const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state');
  const root = resolve(env.SKYBACKUP_HOME || join(state, 'skybackup'));
  return {
    root,
    socket: join(root, 'daemon.sock'),
    adminSocket: join(root, 'admin.sock'),
    agentSocket: join(root, 'agent.sock'),
    log: join(root, 'daemon.log'),
    lock: join(root, 'daemon.lock'),
    state: join(root, 'state.db'),
    cloudPlans: join(root, 'plans.db'),
    mcpAudit: join(root, 'audit.jsonl'),
    services: join(root, 'services'),
    swaps: join(root, 'swaps'),
    repository: join(root, 'repository'),
    storages: join(root, 'storages'),
    identities: join(root, 'identities'),
    verifications: join(root, 'verifications'),
  };
}
