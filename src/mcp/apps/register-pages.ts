import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { type PageName, pageNames, pageUri } from './page-names.ts';
import { pageType, showsApps } from './shows-apps.ts';

const titles: Record<PageName, string> = { timeline: 'Timeline of backups', plan: 'Plan to approve' };

/** Nothing may be loaded from anywhere: said to the host here, and to the browser by the page itself. */
const ui = {
  csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
  prefersBorder: true,
};

/** The pages that a client with apps shows. A template, because its list can leave them out for everybody else. */
export function registerPages(server: McpServer): void {
  server.registerResource(
    'pages',
    new ResourceTemplate('ui://skybackup/{page}.html', {
      list: (ctx) => ({
        resources: showsApps(ctx, server)
          ? pageNames.map((page) => ({
              name: page,
              title: titles[page],
              uri: pageUri(page),
              mimeType: pageType,
              _meta: { ui },
            }))
          : [],
      }),
    }),
    { title: 'Pages', description: 'What clients with MCP Apps show', mimeType: pageType },
    async (uri, { page }) => {
      const name = pageNames.find((each) => each === page);
      if (name === undefined) throw new Error(`There is no page ${uri.href.slice(0, 100)}.`);
      return { contents: [{ uri: uri.href, mimeType: pageType, text: await pageHtml(name), _meta: { ui } }] };
    },
  );
}

/** As the build made it: beside the built command; the sources, which tests run too, take that of the last build. */
async function pageHtml(page: PageName): Promise<string> {
  const folder = import.meta.url.endsWith('.ts') ? '../../../dist/apps/' : './apps/';
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  return readFile(new URL(`${folder}${page}.html`, import.meta.url), 'utf8');
}
