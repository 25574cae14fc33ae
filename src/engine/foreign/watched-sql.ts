import { endsWithMark, positionInDump } from './dump-head.ts';
import { damaged } from './layer.ts';

const tailBytes = 64 * 1024;
const engineMark = '\n) ENGINE=';
const longestEngine = 64;

/** Statements that are not given to the client, by how their lines begin. */
const heldLines =
  /\n(?:GRANT |FLUSH |\/\*!(?:\d+)? FLUSH |\/\*M!100005 SET DEFAULT ROLE |SET GLOBAL gtid_slave_pos|CHANGE MASTER TO |DELIMITER )/;
const longestBeginning = 32;
/** As mariadb-dump writes it, and not a word more: a SET may be of several things, and this one is done with all rights. */
const defaultRole = /^\/\*M!100005 SET DEFAULT ROLE (?!NONE )['`]?[\w.-]+['`]? FOR '[^'"`,;\\]*'@'[^'"`,;\\]*' \*\/;$/;

/**
 * A dump on its way to the client. A line break in a value is written as two letters: what begins a line is a statement, or
 * stands in a routine, between two changes of the delimiter. The account that imports may not grant what it lacks: grants are
 * kept for another. It flushes nothing, that is done at the end; and it follows no other server (--master-data=1).
 */
export class WatchedSql {
  readonly engines = new Set<string>();
  /** What gives accounts their rights, in its order. */
  readonly grants: string[] = [];
  readonly #url: string;
  readonly #head: Buffer;
  #tail = '';
  #inRoutine = false;

  constructor(url: string, head: Buffer) {
    this.#url = url;
    this.#head = head;
  }

  /** Whether its end can be told from one that was cut off. */
  get hasMark(): boolean {
    return endsWithMark(this.#head.toString('latin1'));
  }

  /** The last transactions that it holds, where they were noted. */
  get gtid(): string | undefined {
    return positionInDump(this.#head.toString('latin1')) ?? positionInDump(this.#tail);
  }

  /** What the client is to be given. Throws `backup_damaged` where a dump lacks the line that it must end with. */
  async *through(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let held = '\n';
    for await (const chunk of body) {
      const text = chunk.toString('latin1');
      this.#look(text);
      const { given, rest } = this.#sift(held + text, false);
      held = rest;
      if (given !== '') yield Buffer.from(given, 'latin1');
    }
    yield Buffer.from(this.#sift(held, true).given, 'latin1');
    if (this.hasMark && !/^-- Dump completed/m.test(this.#tail)) {
      throw damaged(this.#url, 'it lacks the line "-- Dump completed" that it must end with');
    }
  }

  /** Takes the lines out that are held; `rest` may be the beginning of one. */
  #sift(text: string, isLast: boolean): { given: string; rest: string } {
    let [given, left] = ['', text];
    for (let found = heldLines.exec(left); found !== null; found = heldLines.exec(left)) {
      const end = left.indexOf('\n', found.index + 1);
      if (end < 0 && !isLast && left.length - found.index < tailBytes) {
        return { given: given + left.slice(0, found.index), rest: left.slice(found.index) };
      }
      const line = left.slice(found.index, end < 0 ? left.length : end);
      given += left.slice(0, found.index) + this.#lineGiven(line);
      left = end < 0 ? '' : left.slice(end);
    }
    const keep = isLast ? 0 : longestBeginning;
    const cut = Math.max(0, left.length - keep);
    return { given: given + left.slice(0, cut), rest: left.slice(cut) };
  }

  #lineGiven(line: string): string {
    const [, delimiter] = /^\nDELIMITER (\S+)/.exec(line) ?? [];
    if (delimiter !== undefined) this.#inRoutine = delimiter !== ';';
    if (delimiter !== undefined || this.#inRoutine || !/;\s*$/.test(line)) return line;
    if (line.startsWith('\nGRANT ') || defaultRole.test(line.trim())) {
      this.grants.push(Buffer.from(line.trim().replace(/;$/, ''), 'latin1').toString());
    }
    return '\n';
  }

  #look(text: string): void {
    const seen = this.#tail.slice(-(engineMark.length + longestEngine)) + text;
    for (let at = seen.indexOf(engineMark); at >= 0; at = seen.indexOf(engineMark, at + 1)) {
      const from = at + engineMark.length;
      const [, engine] = /^(\w+)\W/.exec(seen.slice(from, from + longestEngine)) ?? [];
      if (engine !== undefined) this.engines.add(engine);
    }
    this.#tail = (this.#tail + text.slice(-tailBytes)).slice(-tailBytes);
  }
}
