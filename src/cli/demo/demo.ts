import { clientBlocks, type Launch } from './client-blocks.ts';
import { answerInstead, askAtTerminal } from './confirmation.ts';
import { DemoFailed } from './demo-failed.ts';
import { createSandbox } from './sandbox.ts';
import { createScreen, type Output, type Screen } from './screen.ts';
import { service, tell } from './story.ts';

export interface DemoOptions {
  /** Leaves the sandbox and everything in it running. */
  keep: boolean;
  out: Output;
  /** Whether a person sits there who can be asked. */
  person: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** The program under demonstration: the built file. */
  entry: string;
}

/** From a full backup over a bad day to the rows back, through a real MCP client. Returns the exit code. */
export async function runDemo({ keep, out, person, env, entry }: DemoOptions): Promise<number> {
  const screen = createScreen(out, env);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new DemoFailed('interrupted.'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);

  const sandbox = createSandbox(env);
  screen.say(`A bad day for a real MariaDB, in a sandbox of its own: ${sandbox.root}`);
  const launch: Launch = { command: process.execPath, args: [entry, 'mcp'] };
  const ask = person ? askAtTerminal(screen, interrupt) : answerInstead(screen, service);
  let good = false;
  try {
    good = await tell({ screen, sandbox, launch, ask, signal: interruption.signal });
  } catch (error) {
    const reason = interruption.signal.aborted ? interruption.signal.reason : error;
    screen.failed(`The demo stopped: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
  if (keep && !interruption.signal.aborted) {
    screen.say('');
    screen.say(`The sandbox goes on: SKYBACKUP_HOME=${sandbox.root}`);
    if (good) showBlocks(screen, { ...launch, env: { SKYBACKUP_HOME: sandbox.root } });
  } else {
    screen.running('Stopping and removing the sandbox');
    await sandbox.dispose();
    screen.done('everything of the sandbox is stopped and removed');
    if (good) showBlocks(screen, launch);
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, interrupt);
  return good ? 0 : 1;
}

function showBlocks(screen: Screen, launch: Launch): void {
  screen.chapter('Now your own client');
  for (const { client, place, text } of clientBlocks(launch)) {
    screen.say('');
    screen.say(`${client}: ${place}`);
    screen.block(text);
  }
  screen.say('');
  screen.say('Then register a database (README.md says how), and ask: "Which of my databases have a backup?"');
}
