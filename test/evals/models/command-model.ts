import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Model } from './model.ts';

export const TurnData = z.looseObject({
  text: z.string().nullish(),
  calls: z
    .array(z.looseObject({ id: z.string().optional(), name: z.string(), arguments: z.record(z.string(), z.unknown()) }))
    .nullish(),
});

/** A command that gets each request as one line of JSON on stdin, and answers each with one line on stdout. */
export function commandModel(command: string): Model {
  const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  // Whoever writes to a command that has ended reads of it below.
  child.stdin.on('error', () => undefined);
  return {
    name: command,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`"${command}" ended without an answer`);
      const { text, calls } = TurnData.parse(JSON.parse(line.value));
      return {
        text: text ?? '',
        calls: (calls ?? []).map(({ name, arguments: args }) => ({ name, arguments: args })),
      };
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
