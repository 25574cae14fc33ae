import { z } from 'zod';

/** Query integers arrive as text. */
const queryInt = z.coerce.number().int().min(1);

export const PageQuery = z.strictObject({
  page: queryInt.max(1_000_000).optional(),
  page_size: queryInt.max(1000).optional(),
  order: z.enum(['asc', 'desc']).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** One page as the client hands it on, whatever shape the server answered with. */
export interface Page<T> {
  items: T[];
  /** All items that match, over all pages. */
  count: number;
  pages: number;
}
