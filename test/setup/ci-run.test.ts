import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '../..');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skb-ci-'));
  mkdirSync(join(root, '.ci'));
  mkdirSync(join(root, '.setup'));
  cpSync(join(project, '.ci/run'), join(root, '.ci/run'));
});
afterEach(() => rmSync(root, { recursive: true }));

const green = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};

/** Runs .ci/run with an npm that notes its arguments, fails on `failing`, and leaves `results` behind for `npm test`. */
function run(options: { failing?: string; results?: object }): {
  code: number | null;
  lines: string[];
  called: string[];
} {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(root, 'results.json'), JSON.stringify(options.results ?? green));
  const leave =
    options.results === undefined && options.failing === 'no results' ? '' : 'cp results.json .setup/test-results.json';
  writeFileSync(
    join(bin, 'npm'),
    `#!/bin/sh\necho "$* CI=$CI" >> called\nif [ "$1" = test ]; then ${leave || ':'}; fi\n[ "$*" != "${options.failing ?? ''}" ]\n`,
  );
  chmodSync(join(bin, 'npm'), 0o755);
  const { status, stdout } = spawnSync(join(root, '.ci/run'), {
    encoding: 'utf8',
    env: { PATH: `${bin}:${process.env.PATH}` },
  });
  const called = readFileSync(join(root, 'called'), 'utf8').trim().split('\n');
  return { code: status, lines: stdout.trim().split('\n'), called };
}

test('all steps run, in CI mode, and the last line counts the tests', () => {
  const { code, lines, called } = run({});
  expect(code).toBe(0);
  expect(lines.at(-1)).toBe('3 passed, 0 failed');
  const steps = ['run setup', 'run lint', 'run types', 'run knip', 'test', 'run build', 'run demo', 'run setup'];
  expect(called).toEqual(steps.map((step) => `${step} CI=true`));
});

test.each(['run lint', 'run types', 'run knip', 'test', 'run build', 'run demo'])(
  'a failing "npm %s" fails the run',
  (failing) => {
    const { code, lines } = run({ failing });
    expect(code).toBe(1);
    expect(lines.at(-1)).toBe('3 passed, 0 failed');
    expect(lines.at(-2)).toMatch(/^Failed: /);
  },
);

test('a failing set-up stops the run: nothing else could be believed', () => {
  const { code, lines, called } = run({ failing: 'run setup' });
  expect(code).toBe(1);
  expect(called).toEqual(['run setup CI=true']);
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});

test.each([
  ['no counts at all', undefined, '0 passed, 1 failed'],
  ['no test ran', { ...green, numPassedTests: 0 }, '0 passed, 0 failed'],
  ['a failed test', { ...green, success: false, numFailedTests: 2 }, '3 passed, 2 failed'],
  [
    'a file that could not be loaded',
    { ...green, success: false, testResults: [{ status: 'failed', assertionResults: [] }] },
    '3 passed, 1 failed',
  ],
  ['a skipped test', { ...green, numPendingTests: 1 }, '3 passed, 0 failed'],
])('%s fails the run though npm test says nothing', (_what, results, last) => {
  const { code, lines } = run(results === undefined ? { failing: 'no results' } : { results });
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe(last);
});
