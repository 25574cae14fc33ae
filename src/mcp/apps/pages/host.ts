import {
  App,
  applyDocumentTheme,
  applyHostStyleVariables,
  type McpUiHostContext,
} from '@modelcontextprotocol/ext-apps';

type Result = Parameters<NonNullable<App['ontoolresult']>>[0];

interface Shown {
  name: string;
  /** The answer of the tool that this page shows. */
  result(result: Result): void;
  /** There will be no answer, for this reason. */
  none(why: string): void;
}

/** A host that says nothing this long says nothing at all. */
const patienceMs = 15_000;
/** A call that the host may first ask its person about. */
export const callTimeoutMs = 60_000;

/** Connects the page to the host that shows it, and looks as the host does. */
export function connect({ name, result, none }: Shown): App {
  const app = new App({ name: `skybackup ${name}`, version: '1' }, { availableDisplayModes: ['inline', 'fullscreen'] });
  const silence = setTimeout(() => none('The host has sent nothing to show.'), patienceMs);
  app.addEventListener('toolresult', (answer) => {
    clearTimeout(silence);
    result(answer);
  });
  app.addEventListener('toolcancelled', () => {
    clearTimeout(silence);
    none('The call was cancelled: nothing was changed by it.');
  });
  app.addEventListener('hostcontextchanged', dress);
  app.connect().then(
    () => dress(app.getHostContext()),
    () => none('The host does not answer.'),
  );
  return app;
}

function dress(context: McpUiHostContext | undefined): void {
  if (context?.theme) applyDocumentTheme(context.theme);
  const variables = context?.styles?.variables;
  // One half of a pair of colours on our other half could be unreadable.
  if (variables?.['--color-background-primary'] && variables['--color-text-primary'])
    applyHostStyleVariables(variables);
}

/** The words of an answer, for when nothing better can be shown. */
export function wordsOf({ content }: Result): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
}
