import { SkybackupError } from '../contract/errors.ts';
import { cleanText } from '../mcp/clean-text.ts';
import { askLine, personPresent } from './ask.ts';
import { UsageError } from './terminal.ts';

/**
 * Has a person type an id before something is deleted for good; `given` is what one without a terminal wrote after
 * --confirm. Throws unless it is that id.
 */
export async function typeId(id: string, given: string | undefined): Promise<string> {
  if (given === undefined && !personPresent()) {
    throw new UsageError(
      'This needs a person, and there is no terminal to ask at.',
      `A person without one adds: --confirm ${id}`,
    );
  }
  const typed = given ?? (await askLine(`Type ${cleanText(id)} to go on, or press Enter to leave it: `));
  if (typed === id) return typed;
  throw new SkybackupError(
    'invalid_request',
    typed ? `"${typed}" is not ${id}: nothing was done.` : 'Nothing was done.',
    { hint: 'Call again, and type the id as it is shown.' },
  );
}
