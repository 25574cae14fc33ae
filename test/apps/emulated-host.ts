import { type CallToolResult, Client, type JSONRPCMessage } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { AppBridge, type McpUiHostContext } from '@modelcontextprotocol/ext-apps/app-bridge';
import { EXTENSION_ID, RESOURCE_MIME_TYPE } from '@modelcontextprotocol/ext-apps/server';
import { type Browser, chromium, type FrameLocator, type Page } from 'playwright-core';
import type { ServerCommand } from '../mcp/server-command.ts';

/** Debian's, which `npm test` installs. */
export const chromiumPath = '/usr/bin/chromium';

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    // Chromium's own sandbox needs rights that root in a container lacks; what is tested is that of the frames.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

/** A client with apps on a real connection; `capabilities` besides. */
export async function clientWithApps(server: ServerCommand, capabilities: object = {}): Promise<Client> {
  const extensions = { [EXTENSION_ID]: { mimeTypes: [RESOURCE_MIME_TYPE] } };
  const client = new Client({ name: 'emulated host', version: '1' }, { capabilities: { ...capabilities, extensions } });
  await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }));
  return client;
}

/** A function to evaluate in a page about `one` of its elements: written as text, for it uses what only browsers have. */
export function inPage<T>(body: string): (one: unknown) => T {
  return new Function('one', body) as (one: unknown) => T;
}

const hostUrl = 'http://host.test/';
const sandboxUrl = 'http://sandbox.test/';

/** The host's own page: one frame of another origin, messages passed to the test and back. */
const hostPage = `<!doctype html><html><head><style>body{margin:0}iframe{border:0;width:100%;height:600px}</style></head><body>
<iframe id="sandbox" src="${sandboxUrl}" sandbox="allow-scripts allow-same-origin"></iframe><script>
const frame = document.getElementById('sandbox');
addEventListener('message', (event) => { if (event.source === frame.contentWindow) fromPage(event.data); });
toPage = (message) => frame.contentWindow.postMessage(message, '${sandboxUrl}');
</script></body></html>`;

/** The sandbox proxy of the extension: it gives the app a frame that may run scripts and nothing else, and passes messages on. */
const sandboxPage = `<!doctype html><html><head><style>html,body{margin:0;height:100%}iframe{border:0;width:100%;height:100%;display:block}</style></head><body><script>
let inner;
addEventListener('message', (event) => {
  if (event.source === parent && event.data.method === 'ui/notifications/sandbox-resource-ready') {
    inner = document.createElement('iframe');
    inner.setAttribute('sandbox', 'allow-scripts');
    inner.srcdoc = event.data.params.html;
    document.body.append(inner);
  } else if (event.source === parent) inner?.contentWindow.postMessage(event.data, '*');
  else if (event.source === inner?.contentWindow) parent.postMessage(event.data, '${hostUrl}');
});
parent.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/sandbox-proxy-ready', params: {} }, '${hostUrl}');
</script></body></html>`;

/** The extension's own words for a page that declares no domains; frames within the sandbox inherit it. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "media-src 'self' data:",
  "connect-src 'none'",
  "frame-src 'self'",
  "object-src 'none'",
].join('; ');

export interface ShowOptions {
  width?: number;
  theme?: 'light' | 'dark';
  context?: McpUiHostContext;
  /** What the browser itself prefers. */
  colorScheme?: 'light' | 'dark';
  /** The host takes messages for the conversation; default true. */
  messages?: boolean;
  /** What the host does with calls of the page: passes them on, refuses, or keeps silent. */
  calls?: 'pass' | 'refuse' | 'silent';
  /** The host shows the page and then says nothing at all. */
  mute?: boolean;
  /** Time in the page is the test's. */
  clock?: boolean;
}

export interface ShownApp {
  page: Page;
  /** What is in the app's own frame. */
  app: FrameLocator;
  /** Messages that the page sent into the conversation. */
  messages: string[];
  /** Calls that the page made through the host. */
  calls: { name: string; arguments: Record<string, unknown> | undefined }[];
  /** The methods of all that the page sent to the host. */
  sent: string[];
  /** Requests that were no part of host and sandbox, and errors of scripts. */
  left: string[];
  errors: string[];
  /** Sends another answer, as when the same tool is called again. */
  result(answer: CallToolResult): Promise<void>;
  close(): Promise<void>;
}

/** Calls a tool as a model would, and shows its answer in the page that the tool names, as the extension demands of a host. */
export async function showTool(
  browser: Browser,
  client: Client,
  name: string,
  args: Record<string, unknown>,
  options: ShowOptions = {},
): Promise<ShownApp> {
  const { tools } = await client.listTools();
  const uri = tools.find((tool) => tool.name === name)?._meta?.ui as { resourceUri: string } | undefined;
  if (uri === undefined) throw new Error(`${name} names no page`);
  const answer = await client.callTool({ name, arguments: args });
  return showAnswer(browser, client, uri.resourceUri, args, answer, options);
}

/** Shows any answer in a page. */
export async function showAnswer(
  browser: Browser,
  client: Client,
  uri: string,
  args: Record<string, unknown>,
  answer: CallToolResult,
  {
    width = 900,
    theme,
    context,
    colorScheme = 'light',
    messages = true,
    calls = 'pass',
    mute,
    clock,
  }: ShowOptions = {},
): Promise<ShownApp> {
  const [content] = (await client.readResource({ uri })).contents;
  if (content === undefined || !('text' in content)) throw new Error(`${uri} is no page`);

  const browsing = await browser.newContext({ viewport: { width, height: 700 }, colorScheme, reducedMotion: 'reduce' });
  const shown = {
    messages: [] as string[],
    calls: [] as ShownApp['calls'],
    sent: [] as string[],
    left: [] as string[],
    errors: [] as string[],
  };
  await browsing.route('**/*', (route) => {
    const url = route.request().url();
    const headers = { 'content-security-policy': policy };
    if (url === hostUrl) return route.fulfill({ contentType: 'text/html', body: hostPage });
    if (url === sandboxUrl) return route.fulfill({ contentType: 'text/html', body: sandboxPage, headers });
    shown.left.push(url);
    return route.abort();
  });
  const page = await browsing.newPage();
  if (clock) await page.clock.install();
  page.on('pageerror', (error) => shown.errors.push(error.message));
  page.on('console', (line) => line.type() === 'error' && shown.errors.push(line.text()));
  page.on('dialog', (dialog) => {
    shown.errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });

  const bridge = new AppBridge(
    calls === 'pass' ? client : null,
    { name: 'emulated host', version: '1' },
    { serverTools: {}, ...(messages ? { message: { text: {} } } : {}) },
    { hostContext: { ...(theme && { theme }), ...context } },
  );
  const transport = {
    onmessage: undefined as ((message: JSONRPCMessage) => void) | undefined,
    start: async () => {},
    close: async () => {},
    send: (message: JSONRPCMessage) => page.evaluate(`toPage(${JSON.stringify(message)})`).then(() => undefined),
  };
  bridge.onmessage = async ({ content }) => {
    shown.messages.push(content.map((block) => (block.type === 'text' ? block.text : '')).join());
    return {};
  };
  bridge.onsizechange = ({ height }) => {
    if (height) void page.evaluate(`frame.style.height = '${Math.ceil(height)}px'`).catch(() => undefined);
  };
  await bridge.connect(transport);
  if (calls !== 'pass') {
    bridge.oncalltool = async () => {
      if (calls === 'refuse') throw new Error('refused by the host');
      return new Promise<never>(() => {});
    };
  }
  const ready = new Promise<void>((resolve) => {
    bridge.onsandboxready = () => resolve();
  });
  const initialized = new Promise<void>((resolve) => {
    bridge.oninitialized = () => resolve();
  });
  await page.exposeFunction('fromPage', (message: JSONRPCMessage & { method?: string; params?: unknown }) => {
    shown.sent.push(message.method ?? 'answer');
    if (message.method === 'tools/call') {
      const { name, arguments: args } = message.params as ShownApp['calls'][number];
      shown.calls.push({ name, arguments: args });
    }
    if (mute && message.method !== 'ui/notifications/sandbox-proxy-ready') return;
    transport.onmessage?.(message);
  });
  await page.goto(hostUrl);
  await ready;
  await bridge.sendSandboxResourceReady({ html: content.text });
  if (!mute) {
    await initialized;
    await bridge.sendToolInput({ arguments: args });
    await bridge.sendToolResult(answer);
  }
  return {
    ...shown,
    page,
    app: page.frameLocator('#sandbox').frameLocator('iframe'),
    result: (next) => bridge.sendToolResult(next),
    close: async () => {
      await browsing.close();
    },
  };
}
