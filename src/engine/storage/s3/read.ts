import { Readable } from 'node:stream';
import { reasonOf } from '../failure.ts';
import { resumedRead, type Sending } from '../resumed-read.ts';
import type { S3Connection } from './connection.ts';
import { isPassing, s3Failure } from './failure.ts';

interface Asked {
  key: string;
  start?: number | undefined;
  /** Inclusive. */
  end?: number | undefined;
  signal?: AbortSignal | undefined;
  /** It goes on with what was begun: also its first answer is waited for as long as the later ones. */
  patient?: boolean | undefined;
}

/** An object's bytes, whatever befalls the connection; its ETag pins it. */
export async function readObject(connection: S3Connection, asked: Asked): Promise<Readable> {
  const { key, signal, patient = false } = asked;
  const { patience, url } = connection;
  const open = async (
    range: string | undefined,
    again: { version: string | undefined } | undefined,
  ): Promise<Sending | undefined> => {
    const input = {
      Key: connection.nameOf(key),
      ...(range === undefined ? {} : { Range: range }),
      ...(again?.version === undefined ? {} : { IfMatch: again.version }),
    };
    const tries = again === undefined && !patient ? {} : { tries: patience.tries };
    try {
      const answer = await connection.ask({ action: 'read', key, signal, ...tries }, (calls, stopped) =>
        calls.get(input, stopped),
      );
      const { Body, ContentLength = 0, ContentRange, ETag } = answer;
      if (!(Body instanceof Readable)) throw new Error('a body is a stream');
      return { body: Body, bytes: ContentLength, range: ContentRange, version: ETag };
    } catch (error) {
      if (reasonOf(error) === 'InvalidRange' && again === undefined) return undefined;
      throw error;
    }
  };
  const failureOf = (error: unknown) => s3Failure(error, { url, action: 'read', key, signal });
  return resumedRead({ ...asked, url, patience, open, isPassing, failureOf });
}
