import { toPointInTime } from '../../contract/time.ts';
import { contentWords, type ForeignBackup, seriesOfDump } from '../foreign/foreign-backup.ts';
import { isDump, type RestoreSource } from '../restore/source.ts';
import { bytesInWords } from './words.ts';

/** A backup that was made without us, as far as its object and its first bytes tell. */
export function foreignInWords({ object, layers, contents }: ForeignBackup, source: RestoreSource): string {
  const series = seriesOfDump(source);
  const of = series === undefined ? '' : ` of MariaDB ${series}`;
  const wrapped = layers.map((layer) => ` in ${layer}`).toReversed();
  const written = `${bytesInWords(object.bytes)}, written ${toPointInTime(object.modified)} UTC`;
  return `${object.url} (${written}); by its first bytes ${contentWords[contents]}${of}${wrapped.join('')}`;
}

/** What is not known of it before all of it was read, and what becomes of the accounts. */
export function foreignWarnings({ keyIsIdle, object }: ForeignBackup, source: RestoreSource, target: string): string[] {
  const dump = isDump(source);
  return [
    `skybackup did not make ${object.url}: of which tables it holds, how large they are, and of which moment they are, nothing is known before it is unpacked. Whatever is wrong with it is found before anything is replaced.`,
    dump
      ? `If the dump holds accounts, ${target} gets those, and logins made for ${target} stop working; if it holds none, those that ${target} has now stay.`
      : `${target} gets the users, passwords and grants of the backup: logins made for ${target} stop working.`,
    ...(keyIsIdle ? ['An encryption_key was given, and nothing of the object is encrypted.'] : []),
  ];
}
