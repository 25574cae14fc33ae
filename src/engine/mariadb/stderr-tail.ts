import { StringDecoder } from 'node:string_decoder';
import { redact } from '../../contract/redact.ts';

const maxLines = 60;
const maxLineLength = 2000;

/** The last lines a process wrote to stderr: redacted, and bounded however much it writes. */
export class StderrTail {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];
  #rest = '';

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    const parts = (this.#rest + this.#decoder.write(chunk)).split(/\r?\n|\r/);
    this.#rest = (parts.pop() ?? '').slice(0, maxLineLength);
    for (const line of parts) this.#push(line);
  }

  /** All lines kept, the unfinished last one included. */
  end(): string[] {
    if (this.#rest !== '') this.#push(this.#rest);
    this.#rest = '';
    return [...this.#lines];
  }

  #push(raw: string): void {
    const line = redact(raw.slice(0, maxLineLength));
    this.#lines.push(line);
    if (this.#lines.length > maxLines) this.#lines.shift();
    this.#onLine?.(line);
  }
}
