import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failure } from '../../test/failure.ts';
import { daemonNode } from './daemon-node.ts';

const desktop = { execPath: '/Applications/Desktop', versions: { ...process.versions, electron: '42.9.2' } };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-node-'));
  for (const name of ['none', 'old', 'new']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'old', 'node'), '#!/bin/sh\necho v20.20.2\n');
  chmodSync(join(folder, 'old', 'node'), 0o755);
  symlinkSync(process.execPath, join(folder, 'new', 'node'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const path = (...names: string[]): string => names.map((name) => join(folder, name)).join(':');

test('a daemon runs on the Node that its client runs on', async () => {
  expect(await daemonNode(path('old'))).toBe(process.execPath);
});

test('inside a desktop program, which starts no scripts, it runs on the first Node of the machine that is new enough', async () => {
  expect(await daemonNode(path('none', 'old', 'new'), desktop)).toBe(join(folder, 'new', 'node'));
});

test('where there is none, it is said what to install, and where', async () => {
  const { message, hint } = await failure(daemonNode(path('none', 'old'), desktop));
  expect(message).toContain('22.19 or newer');
  expect(hint).toContain(path('old'));
});
