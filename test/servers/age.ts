import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findTool } from '../../src/engine/mariadb/tools.ts';

/** An identity of age in a file of its own. */
export interface TestIdentity {
  file: string;
  recipient: string;
  /** What must turn up nowhere. */
  secret: string;
  /** Has a home know it, until it is taken away. */
  giveTo(home: { identities: string }): void;
  takeFrom(home: { identities: string }): void;
}

export async function makeIdentity(folder: string, name: string): Promise<TestIdentity> {
  const file = join(folder, `${name}.txt`);
  await execa(findTool('age-keygen'), ['-o', file]);
  const text = readFileSync(file, 'utf8');
  const [recipient = ''] = /age1\w+/.exec(text) ?? [];
  const [secret = ''] = /AGE-SECRET-KEY-1\w+/.exec(text) ?? [];
  return {
    file,
    recipient,
    secret,
    giveTo({ identities }) {
      mkdirSync(identities, { recursive: true, mode: 0o700 });
      copyFileSync(file, join(identities, `${name}.txt`));
    },
    takeFrom: ({ identities }) => rmSync(join(identities, `${name}.txt`), { force: true }),
  };
}
