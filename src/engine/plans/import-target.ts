import type { EngineContext } from '../engine-context.ts';
import { findSource } from '../jobs/restore-source.ts';
import type { RestoreSubject } from '../jobs/restore-subject.ts';
import { estimateSeconds } from '../rates/kinds-of-work.ts';
import { checkImportable, type ImportFacts } from '../restore/importable.ts';
import { lastBackup } from '../restore/source.ts';
import { dataBytes } from '../restore/space.ts';
import { present } from '../store/rows.ts';
import { type LiveTarget, lookAtTarget } from './live-target.ts';
import type { Target } from './operations.ts';
import { lostBy } from './restore-losses.ts';
import { serviceDigest } from './target-digest.ts';
import { unsoundWarnings } from './unsound-warnings.ts';
import { ageOf, bytesInWords } from './words.ts';

/**
 * What a person must know before a dump is imported into a running server: it happens in everybody's sight, is not atomic, and
 * what takes it back is the dump of before. Throws what stands against the import: a yes to it could not be carried out.
 */
export async function importTarget(
  context: EngineContext,
  subject: RestoreSubject,
  ownJob: number | undefined,
): Promise<Target> {
  const { target, backup, safetyDump } = subject;
  const source = await findSource(context, backup);
  const facts = await checkImportable(lastBackup(source), context.repository, target, AbortSignal.timeout(30_000));
  const { databases } = facts;
  const live = await lookAtTarget(target);
  const size = dataBytes(source);
  const other = backup.service_id === target.id ? '' : ', another service,';
  const moment = backup.point_in_time;
  return {
    digest: await serviceDigest(context, target, ownJob, {
      backup: backup.id,
      size: backup.storage_bytes,
      databases,
      binary_log: facts.binaryLog,
    }),
    facts: {
      title: `Import the dump ${backup.id} into the running server of ${target.id}, in place of all its databases`,
      service_id: target.id,
      confirm_id: target.id,
      replaced: databases.length === 0 ? `nothing: ${target.id} has no databases` : `the databases ${few(databases)}`,
      replaced_by: `dump of ${backup.service_id}${other} taken ${ageOf(moment, context.clock.now())}`,
      ...present({ recovery_point: moment }),
      size_bytes: size,
      estimated_seconds: estimateSeconds(source, context.state.rates.of),
      expected_downtime: `none: the server goes on, and whoever is connected sees its databases go and come`,
      lost: [
        ...goneForGood(databases, lastBackup(source).tables),
        ...lostBy(context, { target, source, moment, rolled: false, live }),
      ],
      keeps: [
        `every account that ${target.id} has, with its password; those of the dump that are missing are made, and its grants are given besides`,
        `the account that skybackup logs in with, as it is`,
      ],
      warnings: [
        ...unsoundWarnings(context, source),
        ...facts.warnings,
        `It is not atomic: the databases are dropped, then the dump is imported. What fails or is cancelled in between leaves ${target.id} partly replaced.`,
        loggedWarning(target.id, facts, live),
        `About ${bytesInWords(size)} of its disk are needed${facts.binaryLog ? ', and about as much for its binary log' : ''}; how much is free there cannot be seen from here.`,
      ],
      undo: undoWords(target.id, safetyDump),
    },
  };
}

/** Databases without a table are in a dump, and not in what is known of it: hence "no table". */
function goneForGood(databases: readonly string[], tables: readonly { schema: string }[]): string[] {
  const brought = new Set(tables.map(({ schema }) => schema.toLowerCase()));
  const gone = databases.filter((name) => !brought.has(name.toLowerCase()));
  return gone.length === 0 ? [] : [`Databases of which the dump has no table: ${few(gone)}.`];
}

/** An import that were not logged would leave replicas, and archived logs, with the data of before, and nobody would notice. */
function loggedWarning(id: string, { binaryLog }: ImportFacts, live: LiveTarget | undefined): string {
  if (!binaryLog) return `${id} writes no binary log: replicas, should there be any, are not brought along.`;
  const replicas = live?.replicas ?? [];
  const who = replicas.length === 0 ? 'replicas, should there be any,' : `its replicas (${replicas.join(', ')})`;
  return `The import is written to the binary log of ${id}: ${who} carry it out as well. Recovery to a point in time begins anew with the next dump.`;
}

function undoWords(id: string, safetyDump: boolean): string {
  return safetyDump
    ? `Before the first change a dump of ${id} is taken, as a backup that the restore names; when it fails, nothing is changed. Restoring it is the way back: accounts that came with the import stay. To do without it, ask again with safety_dump false.`
    : `None: the safety dump was declined, so what ${id} holds now is gone but for the backups that there are.`;
}

function few(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown;
}
