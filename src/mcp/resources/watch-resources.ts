import type { McpContext } from '../context.ts';
import { visibleApi } from '../guard/visible-services.ts';
import { resourceOf } from './all.ts';
import { ResourceWatch } from './watch.ts';

/** A local daemon answers within milliseconds; the cloud is asked as seldom as still is of use. */
const pauseMs = { daemon: 3000, cloud: 60_000 };

/** The watch over the resources of a context: of what is visible in it, and of nothing else. */
export function watchResources(context: McpContext, everyMs = pauseMs[context.api.provider.kind]): ResourceWatch {
  const { settings } = context;
  const api = visibleApi(context);
  return new ResourceWatch({
    everyMs,
    look: async (uri, signal) => (await resourceOf(uri)?.read(uri, { api, settings, offered: [], signal })) ?? '',
  });
}
