import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { daemonHealth } from '../../client/start-daemon.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { type DemoBucket, demoBucket, emptyBucket, type S3Place } from './bucket.ts';
import { clientBlocks, type Launch } from './client-blocks.ts';
import { answerInstead, askAtTerminal } from './confirmation.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import { createScreen, type Output, type Screen } from './screen.ts';
import { service, tell } from './story.ts';

class Interrupted extends Error {}

export interface DemoOptions {
  /** Leaves the sandbox and everything in it running. */
  keep: boolean;
  /** Where backups go; undefined: to the repository in the sandbox. */
  s3?: S3Place | undefined;
  out: Output;
  /** Whether a person sits there who can be asked. */
  person: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** The program under demonstration: the built file. */
  entry: string;
}

/** From a full backup over a bad day to the rows back, through a real MCP client. Returns the exit code. */
export async function runDemo({ keep, s3, out, person, env, entry }: DemoOptions): Promise<number> {
  const screen = createScreen(out, env);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new Interrupted('interrupted.'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);

  const sandbox = createSandbox(env);
  screen.say(`A bad day for a real MariaDB, in a sandbox of its own: ${sandbox.root}`);
  const launch: Launch = { command: process.execPath, args: [entry, 'mcp'] };
  const ask = person ? askAtTerminal(screen, interrupt) : answerInstead(screen, service);
  let good = false;
  let bucket: DemoBucket | undefined;
  try {
    bucket = s3 && demoBucket(s3, basename(sandbox.root));
    good = await tell({ screen, sandbox, bucket, launch, ask, signal: interruption.signal });
  } catch (error) {
    explain(screen, interruption.signal.aborted ? interruption.signal.reason : error, sandbox);
  }
  if (keep && !interruption.signal.aborted) {
    await sayHowToEnd(screen, sandbox, entry);
    if (good) showBlocks(screen, { ...launch, env: { SKYBACKUP_HOME: sandbox.root } });
  } else {
    screen.running('Stopping and removing the sandbox');
    await sandbox.dispose();
    screen.done('everything of the sandbox is stopped and removed');
    if (bucket !== undefined) await removeFromBucket(screen, bucket);
    if (good) showBlocks(screen, launch);
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, interrupt);
  return good ? 0 : 1;
}

async function removeFromBucket(screen: Screen, bucket: DemoBucket): Promise<void> {
  try {
    await emptyBucket(bucket);
    screen.done(`so is all that it wrote to ${bucket.request.path}`);
  } catch (error) {
    screen.failed(`What it wrote to ${bucket.request.path} could not be removed: ${redact(String(error))}`);
  }
}

async function sayHowToEnd(screen: Screen, { root, settings }: Sandbox, entry: string): Promise<void> {
  const daemon = await daemonHealth(settings.home).catch(() => undefined);
  screen.say('');
  screen.say(`The sandbox goes on: ${root}. To end it:`);
  screen.block(`SKYBACKUP_HOME=${root} ${process.execPath} ${entry} services stop ${service}`);
  // Until the daemon is gone it still writes there.
  const end = daemon === undefined ? '' : `kill ${daemon.pid} && tail --pid=${daemon.pid} -f /dev/null; `;
  screen.block(`${end}rm -r ${root}`);
}

/** What went wrong, and what the daemon and the MCP server said last, since their logs go away with the sandbox. */
function explain(screen: Screen, error: unknown, { settings, mcpLog }: Sandbox): void {
  screen.failed(`The demo stopped: ${redact(error instanceof Error ? error.message : String(error))}`);
  if (error instanceof SkybackupError) screen.say(error.hint);
  if (error instanceof Interrupted) return;
  for (const file of [mcpLog, settings.home.log]) {
    if (!existsSync(file)) continue;
    screen.say(`The last lines of ${basename(file)}:`);
    screen.answered(redact(readFileSync(file, 'utf8').trimEnd().split('\n').slice(-8).join('\n')));
  }
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
