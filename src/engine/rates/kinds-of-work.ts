import type { RestoreSource } from '../restore/source.ts';
import { dataBytes } from '../restore/space.ts';
import type { MeasuredPhase } from './measured-phases.ts';

const mebibyte = 1024 * 1024;

interface KindOfWork {
  /** As the state knows it. */
  name: string;
  /** The phase of a job that does it. */
  phase: string;
  /** The bytes it works through for a source; 0 where there is nothing of it to do. */
  bytes(source: RestoreSource): number;
  /** Until one was measured: bytes a second on a common disk, on the low side. */
  guess: number;
  /** Seconds it takes however few the bytes are: starting programs and servers. */
  fixed: number;
}

const isDump = ({ backups: [first] }: RestoreSource): boolean => first.method === 'mariadb-dump';
const allBytes = ({ backups }: RestoreSource): number => backups.reduce((sum, { disk_bytes }) => sum + disk_bytes, 0);
const unless = (not: boolean, bytes: number): number => (not ? 0 : bytes);

/** What making data of a source consists of. How long each takes grows with its bytes. */
const kindsOfWork: readonly KindOfWork[] = [
  {
    name: 'unpack',
    phase: 'materialising',
    bytes: (source) => unless(isDump(source), allBytes(source)),
    guess: 150 * mebibyte,
    fixed: 0.2,
  },
  {
    name: 'import',
    phase: 'materialising',
    bytes: (source) => unless(!isDump(source), allBytes(source)),
    guess: 10 * mebibyte,
    fixed: 0.5,
  },
  {
    name: 'prepare',
    phase: 'preparing',
    bytes: (source) => unless(isDump(source), allBytes(source)),
    guess: 150 * mebibyte,
    fixed: 0.5,
  },
  {
    name: 'replay',
    phase: 'replaying',
    bytes: ({ rollForward }) => rollForward?.logs.reduce((sum, { log }) => sum + log.bytes, 0) ?? 0,
    guess: 10 * mebibyte,
    fixed: 0.5,
  },
  { name: 'prove', phase: 'proving', bytes: dataBytes, guess: 300 * mebibyte, fixed: 1 },
];

export interface Rate {
  work: string;
  bytes: number;
  seconds: number;
}

/** What the phases of a job that made data of a source tell of its speed. */
export function ratesOf(source: RestoreSource, phases: readonly MeasuredPhase[]): Rate[] {
  return kindsOfWork.flatMap(({ name, phase, bytes, fixed }) => {
    const worked = bytes(source);
    const took = phases.filter((each) => each.phase === phase).reduce((sum, each) => sum + each.seconds, 0);
    // Else a small backup, which is all beginning, would make every large one look slow.
    const seconds = Math.max(took - fixed, took / 10);
    return worked > 0 && seconds > 0 ? [{ work: name, bytes: worked, seconds }] : [];
  });
}

/** Seconds that making and proving the data of a source may take: by measured rates, by guesses for what nobody has measured. */
export function estimateSeconds(source: RestoreSource, rateOf: (work: string) => number | undefined): number {
  const seconds = kindsOfWork.reduce((sum, { name, bytes, guess, fixed }) => {
    const worked = bytes(source);
    return worked === 0 ? sum : sum + fixed + worked / (rateOf(name) ?? guess);
  }, 0);
  return Math.max(1, Math.ceil(seconds));
}
