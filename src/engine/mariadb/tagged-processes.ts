import { type ProcessIdentity, processesTagged, signalProcess, waitUntilGone } from './process-identity.ts';

const variable = 'SKB_DIRECTORY';

/**
 * The environment of every process that works on a directory which is thrown away when the work fails. A pid noted down
 * after the start would be missing for a process started in the moment before we were killed; the environment cannot be.
 */
export function tag(directory: string): Record<string, string> {
  return { [variable]: directory };
}

/**
 * Ends every process tagged with the directory, so that it can be removed. Their work is lost, as is meant. Looked at again
 * until there is none: a script that is ended while one looks may have started another program that moment.
 */
export async function endTagged(directory: string): Promise<ProcessIdentity[]> {
  const ended: ProcessIdentity[] = [];
  for (let look = 0; look < 10; look += 1) {
    const found = processesTagged(variable, directory);
    if (found.length === 0) break;
    for (const identity of found) signalProcess(identity, 'SIGKILL');
    for (const identity of found) await waitUntilGone(identity, 10_000);
    ended.push(...found);
  }
  return ended;
}
