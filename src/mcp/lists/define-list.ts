import { z } from 'zod';
import type { BackupApi, Provider } from '../../client/backup-api.ts';
import type { BackupQuery } from '../../contract/backups.ts';
import type { Page } from '../../contract/pages.ts';
import type { Call } from '../context.ts';
import { defineTool, type Tool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import type { Summary } from './backups-summary.ts';
import { goOnWith, heading, listArguments, listPage, onePage, type Row } from './list-page.ts';

interface ListDefinition<T, I> {
  /** What is listed, as one word; the tool is `list_<thing>s`, and its answer's member `<thing>s`. */
  thing: string;
  title: string;
  description: string;
  descriptionOf?: Partial<Record<Provider['kind'], string>>;
  id: z.ZodType<I>;
  page(api: BackupApi, query: Query, call: Call): Promise<Page<T>>;
  one(api: BackupApi, id: I, serviceId: string | undefined, call: Call): Promise<T>;
  /** `alone`: it was asked for by its id, so there is room to say more. */
  row(item: T, alone: boolean): Row | Promise<Row>;
  /** What all of them are like, where a page does not show all. */
  summary?(api: BackupApi, scope: { service_id?: string }, count: number, signal: AbortSignal): Promise<Summary>;
  /** What to do where there is none. */
  whenNone?: string;
}

type Query = Pick<BackupQuery, 'page' | 'page_size' | 'order' | 'service_id'>;

/** A tool that lists what there is of one kind, of one service or of all, newest first; or shows one by its id. */
export function defineList<T, I>(list: ListDefinition<T, I>): Tool {
  const { thing, title, description, descriptionOf } = list;
  const [name, things] = [`list_${thing}s`, `${thing}s`];
  return defineTool({
    name,
    operation: 'read',
    title,
    description,
    ...(descriptionOf === undefined ? {} : { descriptionOf }),
    input: z.strictObject({
      service: z.string().max(300).optional(),
      id: list.id.optional(),
      ...listArguments,
    }),
    output: { [things]: 'array', count: 'number', next_cursor: 'string' },
    async run({ service, id, limit, cursor }, call) {
      const { api, signal } = call;
      const scope = service === undefined ? {} : { service_id: (await findService(api, service, signal)).id };
      const page = await listPage(
        { limit, cursor },
        async (query) =>
          id === undefined
            ? list.page(api, { ...query, ...scope, order: 'desc' }, call)
            : onePage([await list.one(api, id, scope.service_id, call)]),
        (item) => list.row(item, id !== undefined),
      );
      const { rows, count, next_cursor, warnings } = page;
      const isPart = cursor === undefined && next_cursor !== undefined;
      const all = isPart ? await list.summary?.(api, scope, count, signal) : undefined;
      return {
        text: [...(all?.text ?? []), heading(page, thing, scope.service_id), ...rows.map(({ text }) => text)],
        data: { summary: all?.data, [things]: rows.map(({ data }) => data), count, next_cursor },
        warnings,
        next: next_cursor !== undefined ? goOnWith(name, next_cursor) : count === 0 ? list.whenNone : undefined,
      };
    },
  });
}
