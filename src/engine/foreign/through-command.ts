import { pipeline } from 'node:stream/promises';
import type { SkybackupError } from '../../contract/errors.ts';
import { type CommandSpec, describeExit, startCommand } from '../mariadb/command.ts';
import { isBrokenPipe } from '../restore/feed.ts';
import type { LayerContext } from './layer.ts';

/** What a program makes of the input. A reader that goes away ends it; `failure` names what its bad end means. */
export async function* throughCommand(
  spec: CommandSpec,
  input: AsyncIterable<Buffer>,
  { signal }: LayerContext,
  failure: (words: string) => SkybackupError,
): AsyncGenerator<Buffer> {
  const command = startCommand(spec, { signal, stdin: 'pipe', graceMs: 2000 });
  if (command.stdin === null || command.stdout === null)
    throw new Error(`${command.name} was started without its pipes`);
  const fed = pipeline(input, command.stdin).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    yield* command.stdout as AsyncIterable<Buffer>;
    const [exit, error] = [await command.exit, await fed];
    signal.throwIfAborted();
    // A program whose input broke off says that it ended too early: why it did is what counts.
    if (error !== undefined && !isBrokenPipe(error)) throw error;
    if (exit.code !== 0)
      throw failure(exit.stderr.length === 0 ? describeExit(exit) : exit.stderr.join(' | ').slice(0, 500));
  } finally {
    command.stop();
  }
}
