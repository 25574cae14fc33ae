import type { StoreFeatures } from '../storage/object-store.ts';

/** Beyond it, requests are refused as if they were forged. */
const mostSkewMs = 5 * 60_000;

/** What a person should know of a storage that does otherwise than most. */
export function remarksOn({ putIfAbsent, checksPayload, clockOffsetMs }: StoreFeatures): string[] {
  const fences = Object.values(putIfAbsent);
  return [
    ...(fences.every((fence) => fence === 'kept')
      ? []
      : ['It does not keep an object from being replaced: no two daemons should write to the same place in it.']),
    ...(checksPayload ? [] : ['It takes bytes that were damaged on their way: only a verification finds them.']),
    ...(Math.abs(clockOffsetMs) <= mostSkewMs
      ? []
      : [
          `Its clock differs from this machine's by ${Math.round(Math.abs(clockOffsetMs) / 60_000)} minutes: set the clock, or requests will be refused.`,
        ]),
  ];
}
