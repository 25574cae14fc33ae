import { type ProcessIdentity, processesTagged, signalProcess, waitUntilGone } from './process-identity.ts';

const variable = 'SKB_DIRECTORY';

/**
 * The environment of every process that works on a directory which is thrown away when the work fails. A pid noted down
 * after the start would be missing for a process started in the moment before we were killed; the environment cannot be.
 */
export function tag(directory: string): Record<string, string> {
  return { [variable]: directory };
}

/** Ends every process tagged with the directory, so that it can be removed. Their work is lost, as is meant. */
export async function endTagged(directory: string): Promise<ProcessIdentity[]> {
  const found = processesTagged(variable, directory);
  for (const identity of found) signalProcess(identity, 'SIGKILL');
  for (const identity of found) await waitUntilGone(identity, 10_000);
  return found;
}
