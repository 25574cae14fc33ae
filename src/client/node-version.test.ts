import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeTooOld } from './node-version.ts';

test.each(['v22.19.0', 'v22.20.1', 'v24.21.0', 'v30.0.0'])('%s will do', (version) => {
  expect(nodeTooOld(version)).toBeUndefined();
});

test.each(['v18.20.0', 'v20.20.2', 'v22.18.9', ''])('%j is too old, and the message says what to do', (version) => {
  expect(nodeTooOld(version)).toContain('node_modules/.bin/node');
});

test('package.json says the same', () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(engines.node).toBe('>=22.19');
  expect(nodeTooOld('v22.19.0')).toBeUndefined();
  expect(nodeTooOld('v22.18.0')).toContain('22.19');
});
