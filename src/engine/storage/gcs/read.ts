import type { Readable } from 'node:stream';
import { reasonOf } from '../failure.ts';
import { resumedRead, type Sending } from '../resumed-read.ts';
import type { GcsConnection } from './connection.ts';
import { gcsFailure, isPassing } from './failure.ts';

interface Asked {
  key: string;
  start?: number | undefined;
  /** Inclusive. */
  end?: number | undefined;
  signal?: AbortSignal | undefined;
  /** It goes on with what was begun: also its first answer is waited for as long as the later ones. */
  patient?: boolean | undefined;
}

/** An object's bytes, whatever befalls the connection; its generation pins it. */
export async function readObject(connection: GcsConnection, asked: Asked): Promise<Readable> {
  const { key, signal, patient = false } = asked;
  const { patience, url } = connection;
  const name = connection.nameOf(key);
  const open = async (
    range: string | undefined,
    again: { version: string | undefined } | undefined,
  ): Promise<Sending | undefined> => {
    const tries = again === undefined && !patient ? {} : { tries: patience.tries };
    try {
      return await connection.ask({ action: 'read', key, signal, ...tries }, (calls, stopped) =>
        calls.get({ name, range, generation: again?.version }, stopped),
      );
    } catch (error) {
      if (reasonOf(error) === 'requestedRangeNotSatisfiable' && again === undefined) return undefined;
      throw error;
    }
  };
  const failureOf = (error: unknown) => gcsFailure(error, { url, action: 'read', key, signal });
  return resumedRead({ ...asked, url, patience, open, isPassing, failureOf });
}
