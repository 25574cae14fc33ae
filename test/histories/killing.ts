import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, signalProcess } from '../../src/engine/mariadb/process-identity.ts';
import type { Dice } from './dice.ts';

/** Kills one of the tools that a process has started, as soon as there is one. Its name; undefined when the work ended first. */
export async function killATool(
  parent: number,
  dice: Dice,
  goesOn: () => Promise<boolean>,
): Promise<string | undefined> {
  // Some fall early in the work, some late.
  let patience = dice.whole(0, 5);
  while (await goesOn()) {
    const tools = childrenOf(parent);
    if (tools.length > 0 && patience <= 0) {
      const { pid, name } = dice.one(tools);
      const identity = identify(pid);
      if (identity !== undefined) signalProcess(identity, 'SIGKILL');
      return name;
    }
    if (tools.length > 0) patience -= 1;
    await delay(10);
  }
  return undefined;
}

function childrenOf(parent: number): { pid: number; name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, command = '', rest = ''] =
          /^\d+ \((.*)\) \S (.*)$/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        // The managed servers are the daemon's children as well, and are not what is tried here.
        return Number(rest.split(' ')[0]) === parent && command !== 'mariadbd'
          ? [{ pid: Number(name), name: command }]
          : [];
      } catch {
        return [];
      }
    });
}
