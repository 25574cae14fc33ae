import type { JobContext } from '../job-context.ts';

/** `seconds` and `bytes` over all times that a job was in this phase. */
export interface MeasuredPhase {
  phase: string;
  seconds: number;
  bytes?: number | undefined;
}

/** A job's phases with a clock beside them, and its warnings kept. */
export interface MeasuredJob extends JobContext {
  /** In the order in which they came first; the one that goes on until now. */
  phases(): MeasuredPhase[];
  /** Milliseconds since the first phase began. */
  elapsedMs(): number;
  readonly warnings: readonly string[];
}

export function measured(job: JobContext, clock: () => number = () => performance.now()): MeasuredJob {
  const phases: { phase: string; begun: number; bytes: number | undefined }[] = [];
  const warnings: string[] = [];
  return {
    signal: job.signal,
    warnings,
    phase(name, message) {
      phases.push({ phase: name, begun: clock(), bytes: undefined });
      job.phase(name, message);
    },
    progress(bytes, total) {
      const current = phases.at(-1);
      if (current !== undefined) current.bytes = bytes;
      job.progress(bytes, total);
    },
    warn(message) {
      warnings.push(message);
      job.warn(message);
    },
    phases() {
      const measures = new Map<string, MeasuredPhase>();
      for (const [place, { phase, begun, bytes }] of phases.entries()) {
        const measure = measures.get(phase) ?? { phase, seconds: 0 };
        measure.seconds += ((phases[place + 1]?.begun ?? clock()) - begun) / 1000;
        // Of a phase that comes again, bytes go on from where they were.
        if (bytes !== undefined) measure.bytes = Math.max(bytes, measure.bytes ?? 0);
        measures.set(phase, measure);
      }
      return [...measures.values()].map((each) => ({ ...each, seconds: Math.round(each.seconds * 1000) / 1000 }));
    },
    elapsedMs: () => Math.round(clock() - (phases[0]?.begun ?? clock())),
  };
}
