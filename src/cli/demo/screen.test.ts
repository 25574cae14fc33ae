import { expect, test } from 'vitest';
import { createScreen, type Screen } from './screen.ts';

function shown(terminal: boolean, env: Record<string, string>, draw: (screen: Screen) => void): string {
  let text = '';
  draw(createScreen({ write: (part) => (text += part), isTTY: terminal, columns: 40 }, env));
  return text;
}

const draw = (screen: Screen): void => {
  screen.chapter('One');
  screen.running('copying 1');
  screen.running('copying 1');
  screen.running('copying 2, and a message that is too long for the line');
  screen.answered('a\nb');
  screen.done('all', 1234);
  screen.failed('not that');
  screen.table(
    ['name', 'n'],
    [
      ['x', '10'],
      ['longer', '7'],
    ],
  );
};

test('without a terminal: plain lines, each new state once, no control characters', () => {
  const text = shown(false, {}, draw);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(text.match(/copying 1/g)).toHaveLength(1);
  expect(text).toContain('copying 2, and a message that is too long for the line');
  expect(text).toContain('✓ all  1.2 s');
  expect(text).toContain('   name     n\n   x       10\n   longer   7\n');
});

test('at a terminal: colour, and a running line that never wraps and is wiped', () => {
  const text = shown(true, {}, draw);
  expect(text).toContain('\x1b[1m');
  expect(text).toContain('\r\x1b[2K');
  expect(text).not.toContain('too long for the line');
  expect(shown(true, { NO_COLOR: '1' }, draw)).not.toContain('\x1b[1m');
});

test('at a terminal: long answers fold between words and stay behind their bar; elsewhere lines are left whole', () => {
  const long = `- ${'word '.repeat(12)}${'x'.repeat(50)} end`;
  const lines = shown(true, { NO_COLOR: '1' }, (screen) => screen.answered(long))
    .trimEnd()
    .split('\n');
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.every((line) => line.startsWith('   │ '))).toBe(true);
  expect(lines.filter((line) => line.length > 46)).toEqual([`   │   ${'x'.repeat(50)}`]);
  expect(lines.map((line) => line.slice(5).trim()).join(' ')).toBe(long);
  expect(shown(false, {}, (screen) => screen.answered(long))).toBe(`   │ ${long}\n`);
});
