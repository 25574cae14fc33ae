import { readFileSync } from 'node:fs';
import type { BackupApi, DaemonApi, NewRestore } from '../../client/backup-api.ts';
import { registerSecret } from '../../contract/redact.ts';
import type { Restore } from '../../contract/restores.ts';
import { planInWords } from '../../mcp/guard/plan-words.ts';
import { carriedOut } from '../carried-out.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { typeId } from '../typed-id.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface BringOptions {
  method: string;
  onto?: string;
  id?: string;
  tables?: string[];
  nightly?: boolean;
  credentialsFile?: string;
  encryptionKeyFile?: string;
  confirm?: string;
}

/**
 * Restores a backup that skybackup did not make, straight from its bucket: into a new service, or onto one, once a person
 * saw what that replaces and typed its id.
 */
export function bringBackup(terminal: Terminal, object: string, options: BringOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'A restore from a bucket');
    const request = requestFor(object, options);
    const restore = await (options.onto === undefined
      ? api.createRestore({ ...request, target: 'new', ...newService(options) })
      : replaceData(terminal, api, daemon, { ...request, service_id: options.onto }, options.confirm));
    terminal.note(`Restore ${restore.id} brings ${object} to service ${restore.service_id}.`);
    await carriedOut(terminal, api, restore.job_id, 'restore_failed');
    const done = await api.getRestore(restore.id);
    const warnings = (done.warnings ?? []).map((warning) => `Warning: ${warning}`);
    terminal.result({ restore: done }, [...warnings, done.message ?? `Restore ${restore.id} has ended.`]);
    return exitCodes.done;
  });
}

async function replaceData(
  terminal: Terminal,
  api: BackupApi,
  daemon: DaemonApi,
  request: NewRestore & { service_id: string },
  confirm: string | undefined,
): Promise<Restore> {
  const { backup_id, ...rest } = request;
  const plan = await daemon.createPlan({ operation: 'restore_backup', arguments: { ...rest, id: backup_id } });
  terminal.note([...planInWords(plan).split('\n'), '']);
  if (plan.status === 'pending') {
    const typed_id = await typeId(plan.facts.confirm_id, confirm);
    await daemon.approvePlan(plan.id, { channel: 'terminal', typed_id });
  }
  return api.createRestore({ ...request, plan_id: plan.id });
}

function requestFor(object: string, options: BringOptions): NewRestore & { backup_id: string } {
  const [, bucket, key] = /^((?:s3|gs|file):\/\/.*\/)([^/]+)$/.exec(object) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new UsageError(`"${object}" is not the address of an object.`, 'Write s3://bucket/path/backup.tar.gz.');
  }
  const { method, credentialsFile, encryptionKeyFile, onto, id, tables, nightly } = options;
  if (method !== 'mariabackup' && method !== 'mysqldump') {
    throw new UsageError(`--method ${method} is unknown.`, 'It is mariabackup (files) or mysqldump (SQL).');
  }
  if (onto !== undefined && (id !== undefined || tables !== undefined || nightly === true)) {
    throw new UsageError('--id, --tables and --nightly are for a new service, and --onto names one that is there.');
  }
  const external = {
    bucket,
    method,
    ...(credentialsFile === undefined
      ? {}
      : { credentials: Buffer.from(readSecret(credentialsFile)).toString('base64') }),
    ...(encryptionKeyFile === undefined ? {} : { encryption_key: readSecret(encryptionKeyFile) }),
  } as const;
  return { backup_id: `/${key}`, external_source: external };
}

function newService({ id, tables, nightly }: BringOptions): Partial<NewRestore> {
  return {
    ...(id === undefined ? {} : { service_id: id }),
    ...(tables === undefined ? {} : { tables }),
    ...(nightly === true ? { nightly } : {}),
  };
}

function readSecret(file: string): string {
  try {
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    registerSecret(secret);
    return secret;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown';
    throw new UsageError(`${file} cannot be read (${code}).`, 'Give a file that holds it, and nothing else.');
  }
}
