/** Does `work` for each, never more than `limit` at once; the outcomes in the given order. The first failure ends it. */
export async function atMost<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const outcomes: R[] = [];
  let next = 0;
  let isFailed = false;
  const worker = async (): Promise<void> => {
    while (!isFailed && next < items.length) {
      const index = next++;
      try {
        outcomes[index] = await work(items[index] as T);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return outcomes;
}
