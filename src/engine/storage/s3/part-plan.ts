const MiB = 1024 * 1024;

/** How a stream of unknown length is cut. Every part is held in memory until the server has it, so it begins small. */
export interface PartPlan {
  /** The servers' least is 5 MiB, but for the last part. */
  firstBytes: number;
  /** A size doubles once this many times its bytes were sent. */
  doubleAfter: number;
  /** A part that is sent may be at most 5 GiB; a buffer and its hash are happier with less. */
  largestBytes: number;
  /** Of one object; the servers' limit is 10,000. */
  mostParts: number;
}

/** 8 MiB to 10 GiB, 64 MiB to 81 GiB, 1 GiB from 650 GiB on: 5 TiB fit in 9,670 parts. */
export const partPlan: PartPlan = {
  firstBytes: 8 * MiB,
  doubleAfter: 1300,
  largestBytes: 1024 * MiB,
  mostParts: 10_000,
};

/** Bytes of the next part, when so many were sent before it. */
export function nextPartBytes({ firstBytes, doubleAfter, largestBytes }: PartPlan, sent: number): number {
  let bytes = firstBytes;
  while (bytes < largestBytes && sent >= bytes * doubleAfter) bytes *= 2;
  return Math.min(bytes, largestBytes);
}
