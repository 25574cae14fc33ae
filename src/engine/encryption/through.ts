import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type CommandExit, type CommandSpec, startCommand } from '../mariadb/command.ts';

/**
 * What a program makes of a stream. It ends only when the stream was read to its end and the program ended well; else it
 * fails with the stream's own error, or with what `failure` makes of the program's end. Given up, it takes both along.
 */
export function through(
  source: Readable,
  program: CommandSpec,
  { signal, failure }: { signal: AbortSignal; failure: (exit: CommandExit) => Error },
): Readable {
  const child = startCommand(program, { signal, stdin: 'pipe' });
  if (child.stdin === null || child.stdout === null) throw new Error(`${child.name} was started without its pipes`);
  const fed = pipeline(source, child.stdin).then(
    () => undefined,
    (error: unknown) => error,
  );
  const made = new Transform({
    highWaterMark: 1024 * 1024,
    transform: (chunk: Buffer, _encoding, done) => done(null, chunk),
    flush(done) {
      Promise.all([child.exit, fed]).then(([exit, fault]) => {
        const own = fault instanceof Error && !isBrokenPipe(fault) ? fault : undefined;
        if (own === undefined && exit.code !== 0) return done(failure(exit));
        done(own ?? (fault instanceof Error ? fault : undefined));
      }, done);
    },
    destroy(error, done) {
      child.stop();
      source.destroy();
      done(error);
    },
  });
  child.stdout.once('error', (error) => made.destroy(error));
  return child.stdout.pipe(made);
}

/** A program that ended early breaks the pipe to it: its own words are the cause. */
function isBrokenPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
}
