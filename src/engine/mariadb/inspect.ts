import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { readMarker } from '../managed/data-marker.ts';
import type { ServiceRecord } from '../service.ts';
import { connectWith, type SqlConnection } from './connect.ts';
import { unreadablePart } from './directory-access.ts';
import { encryptedParts } from './encryption.ts';
import { layoutObstacles } from './layout.ts';
import { type Login, readLogin } from './login.ts';
import { currentUser, missingPrivileges } from './privileges.ts';
import { serverProcess } from './server-identity.ts';
import { toolVersion } from './tools.ts';
import { globalVariables } from './variables.ts';
import { seriesOf } from './version.ts';

/** What a look at a server found. Nothing is changed by looking. */
export interface ServerFacts {
  version: string;
  server_id: number;
  hostname: string;
  /** The process that was proven to be this server, working in the registered data directory. */
  pid: number | undefined;
  /** The data directory that the server itself names. */
  datadir: string;
  /** All global variables. */
  variables: Readonly<Record<string, string>>;
  /** Global privileges that a backup needs and the user lacks. */
  missingPrivileges: string[];
  /** Incarnation written in the data directory's marker; undefined where there is none. */
  incarnation: string | undefined;
  /** Everything that stands against a physical backup, the most basic first. */
  obstacles: SkybackupError[];
}

/**
 * Looks a server over, with a login that was read already, if any. Throws only what keeps it from being asked at all:
 * `service_down`, `access_denied`, `cancelled`.
 */
export async function inspectServer(
  service: Pick<ServiceRecord, 'connection' | 'datadir'>,
  signal?: AbortSignal,
  login?: Login,
): Promise<ServerFacts> {
  const server = await connectWith(
    login ?? (await readLogin(service.connection, signal)),
    signal === undefined ? {} : { signal },
  );
  try {
    const variables = await globalVariables(server);
    const facts: ServerFacts = {
      version: variables.version ?? '',
      server_id: Number(variables.server_id ?? 0),
      hostname: variables.hostname ?? '',
      pid: undefined,
      datadir: variables.datadir ?? '',
      variables,
      missingPrivileges: await missingPrivileges(server),
      incarnation: undefined,
      obstacles: [],
    };
    await lookAtDirectory(service.datadir, facts, server);
    await lookAtServer(facts, server);
    await lookAtTool(facts, signal);
    return facts;
  } finally {
    await server.close();
  }
}

/** Throws the first of what stands against a physical backup. */
export function checkBackupPossible(facts: ServerFacts): void {
  const [first] = facts.obstacles;
  if (first !== undefined) throw first;
}

async function lookAtDirectory(datadir: string | undefined, facts: ServerFacts, server: SqlConnection): Promise<void> {
  if (datadir === undefined) {
    facts.obstacles.push(
      new SkybackupError('unsupported', 'No data directory is registered for this service; a full backup copies it.', {
        hint: 'Forget the service and register it again with its data directory, or take logical dumps.',
      }),
    );
    return;
  }
  const unreadable = await unreadablePart(datadir);
  if (unreadable !== undefined) {
    facts.obstacles.push(unreadable);
    return;
  }
  try {
    facts.pid = await serverProcess(server, facts.variables, datadir);
  } catch (error) {
    facts.obstacles.push(toSkybackupError(error));
  }
  facts.obstacles.push(...(await layoutObstacles(datadir, facts.variables)));
  facts.incarnation = readMarker(datadir)?.incarnation;
}

async function lookAtServer(facts: ServerFacts, server: SqlConnection): Promise<void> {
  const { missingPrivileges: missing } = facts;
  if (missing.length > 0) {
    const user = await currentUser(server);
    facts.obstacles.push(
      new SkybackupError('privilege_missing', `The backup user ${user} lacks ${missing.join(', ')}.`, {
        hint: `Run on the server: GRANT ${missing.join(', ')} ON *.* TO ${user};`,
        details: { missing },
      }),
    );
  }
  if (missing.includes('PROCESS')) return;
  const encrypted = await encryptedParts(server, facts.variables);
  if (encrypted.length === 0) return;
  facts.obstacles.push(
    new SkybackupError('unsupported_layout', `The server encrypts its data at rest (${encrypted.join(', ')}).`, {
      hint: 'A restore would need its key plugin and keys, which skybackup does not handle yet. Take logical dumps instead.',
      details: { encrypted },
    }),
  );
}

async function lookAtTool(facts: ServerFacts, signal: AbortSignal | undefined): Promise<void> {
  try {
    const tool = await toolVersion('mariadb-backup', signal);
    if (seriesOf(tool) === seriesOf(facts.version)) return;
    facts.obstacles.push(
      new SkybackupError(
        'version_mismatch',
        `mariadb-backup is of version ${tool} and the server of ${facts.version}: they must be of the same series.`,
        { hint: `Install mariadb-backup ${seriesOf(facts.version)}.`, details: { tool, server: facts.version } },
      ),
    );
  } catch (error) {
    facts.obstacles.push(toSkybackupError(error));
  }
}
