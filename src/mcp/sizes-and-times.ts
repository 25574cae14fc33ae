import { readTime } from '../contract/time.ts';

const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `5327326` → `5.3 MB` (powers of 1000); undefined for what is not a size. */
export function sizeInWords(bytes: number | undefined): string | undefined {
  if (bytes === undefined || !Number.isFinite(bytes) || bytes < 0) return undefined;
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

/** RFC 3339 or `YYYY-MM-DD HH:MM:SS` (read as UTC) → `2026-11-22 18:30:05 UTC`; undefined for anything else. */
export function timeInWords(time: string | undefined): string | undefined {
  const date = readTime(time);
  return date && `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `1 backup`, `2 backups`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** `93000` → `1 min 33 s`. */
export function durationInWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
