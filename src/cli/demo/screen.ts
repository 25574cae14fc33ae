import { styleText } from 'node:util';

/** What the demo prints to: standard output, or anything that takes text in a test. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** The demo's page: chapters, calls and their answers, tables. Colour and moving lines only at a terminal. */
export interface Screen {
  chapter(title: string): void;
  /** A plain sentence. */
  say(text: string): void;
  /** Something that is done, with how long it took. */
  done(text: string, ms?: number): void;
  failed(text: string): void;
  /** What goes to the MCP server, or to a shell or a database, as it would be typed. */
  sent(prompt: string, text: string): void;
  /** What came back: as many lines as there are. */
  answered(text: string): void;
  /** One line that replaces itself while something runs; elsewhere than at a terminal each new text gets its own line. */
  running(text: string): void;
  /** Rows under a heading; the last column may hold a mark. */
  table(head: string[], rows: string[][]): void;
  /** Text that will be copied: never wrapped, indented or coloured. */
  block(text: string): void;
}

const indent = '   ';

export function createScreen(out: Output, env: Readonly<Record<string, string | undefined>> = {}): Screen {
  const terminal = out.isTTY === true;
  const coloured = terminal && !env.NO_COLOR;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    coloured ? styleText(style, text, { validateStream: false }) : text;
  let chapters = 0;
  let moving = '';

  const settle = (): void => {
    if (terminal && moving !== '') out.write('\r\x1b[2K');
    moving = '';
  };
  const line = (text: string): void => {
    settle();
    out.write(`${text}\n`);
  };

  const width = (taken: number): number =>
    terminal ? Math.max(40, (out.columns ?? 80) - indent.length - taken) : Number.POSITIVE_INFINITY;
  const marked = (mark: string, text: string, after = ''): void =>
    line(`${indent}${mark} ${folded(text, width(2)).join(`\n${indent}  `)}${after}`);

  return {
    chapter(title) {
      chapters += 1;
      line(`\n${paint('bold', `${chapters}  ${title}`)}`);
    },
    say: (text) => line(text === '' ? '' : `${indent}${text}`),
    done: (text, ms) => marked(paint('green', '✓'), text, ms === undefined ? '' : paint('dim', `  ${inSeconds(ms)}`)),
    failed: (text) => marked(paint('red', '✗'), text),
    sent: (prompt, text) => line(`${indent}${paint('cyan', prompt)} ${text}`),
    answered(text) {
      for (const each of text.split('\n').flatMap((whole) => folded(whole, width(3)))) {
        line(`${indent}${paint('dim', '│')} ${each}`);
      }
    },
    running(text) {
      if (text === moving) return;
      if (!terminal) line(`${indent}· ${text}`);
      settle();
      moving = text;
      if (!terminal) return;
      out.write(`${indent}${paint('dim', `· ${text}`.slice(0, (out.columns ?? 80) - indent.length - 1))}`);
    },
    table(head, rows) {
      const widths = head.map((title, column) =>
        Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
      );
      const padded = (cells: string[]): string =>
        cells
          .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
          .join('  ');
      line(`${indent}${paint('dim', padded(head))}`);
      for (const row of rows) line(`${indent}${padded(row)}`);
    },
    block: (text) => line(text),
  };
}

/** Breaks a line between words; a longer word stays whole, for it may be copied. */
function folded(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(/(?<=\S)\s/)) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

export function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
