import { readFile } from 'node:fs/promises';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, type CommandSpec, type RunningCommand, startCommand } from '../mariadb/command.ts';

export interface PipeMember extends CommandSpec {
  onStderrLine?: (line: string) => void;
  /** Between this member's output and the next one: the bytes then pass through this process. */
  through?: Transform;
}

export interface Pipe {
  /**
   * What the last member writes. It ends only after every member has ended and `judge` found nothing wrong, so that
   * whoever stores it stores nothing of a pipe that failed; else it fails with the judge's error.
   */
  readonly body: Readable;
  readonly members: readonly RunningCommand[];
  stop(): void;
  /** All members' exits; never rejects but for a member that could not be started. */
  readonly exits: Promise<CommandExit[]>;
}

/**
 * Starts commands as a pipe. Each hands its output to the next directly; only the last one's passes through this process.
 * When one ends badly, the others are stopped: one that waits for a lock would otherwise not notice.
 */
export function startPipe(
  specs: readonly PipeMember[],
  signal: AbortSignal,
  judge: (exits: CommandExit[]) => Promise<SkybackupError | undefined>,
): Pipe {
  const members: RunningCommand[] = [];
  let before: Transform | undefined;
  for (const { onStderrLine, through, ...spec } of specs) {
    const source = members.at(-1)?.stdout;
    const member = startCommand(spec, {
      signal,
      ...(source ? { stdin: before === undefined ? source : 'pipe' } : {}),
      ...(onStderrLine === undefined ? {} : { onStderrLine }),
    });
    if (source && before && member.stdin) {
      // Each member's exit tells how it went; a broken pipe between them tells nothing more.
      pipeline(source, before, member.stdin, () => {});
    }
    members.push(member);
    before = through;
  }
  const stop = (): void => {
    for (const member of members) member.stop();
  };
  const exits = Promise.all(members.map((member) => member.exit));
  for (const member of members) {
    member.exit.then((exit) => {
      if (exit.code !== 0) stop();
    }, stop);
  }
  exits.catch(() => {});

  const body = new Transform({
    highWaterMark: 1024 * 1024,
    transform: (chunk: Buffer, _encoding, done) => done(null, chunk),
    flush: (done) => {
      exits.then(judge).then((failure) => done(failure), done);
    },
    destroy: (error, done) => {
      stop();
      done(error);
    },
  });
  const output = members.at(-1)?.stdout;
  output?.once('error', (error) => body.destroy(error));
  output?.pipe(body);
  return { body, members, stop, exits };
}

/** Bytes a process has read so far, from the kernel's own count; undefined once it is gone, or where there is no /proc. */
export async function bytesRead(pid: number): Promise<number | undefined> {
  const io = await readFile(`/proc/${pid}/io`, 'latin1').catch(() => '');
  const count = /^rchar: (\d+)$/m.exec(io)?.[1];
  return count === undefined ? undefined : Number(count);
}
