import { cleanText } from '../mcp/clean-text.ts';

/** Rows under a heading, in columns as wide as their widest cell. */
export function table(head: string[], rows: (string | undefined)[][]): string[] {
  const cells = [head, ...rows].map((row) => row.map((cell) => cleanText(cell ?? '', 100) || '-'));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
