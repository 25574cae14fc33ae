import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type HeaderArgument = Parameters<ReturnType<typeof pack>['entry']>[0];

/** A tar of small files with these names, whatever else their headers say. */
export async function packed(headers: readonly HeaderArgument[]): Promise<Buffer> {
  const archive = pack();
  for (const header of headers) {
    if (header.type === undefined && header.size === undefined) archive.entry(header, 'some bytes');
    else archive.entry(header);
  }
  archive.finalize();
  return buffer(archive as unknown as AsyncIterable<Buffer>);
}
