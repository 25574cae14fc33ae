/** `binlog.000007`: what the server was told, a dot, and a number that grows. */
export interface LogName {
  base: string;
  number: number;
}

/** Undefined for what is not the name of a binary log, or not one that may become part of a path. */
export function parseLogName(name: string): LogName | undefined {
  const [, base, digits] = /^([^/\\\0.][^/\\\0]*)\.(\d{6,15})$/.exec(name) ?? [];
  return base === undefined || name.length > 200 ? undefined : { base, number: Number(digits) };
}

/** Whether `next` is the name that the server gives to the log after `name`. */
export function follows(name: string, next: string): boolean {
  const [before, after] = [parseLogName(name), parseLogName(next)];
  return before !== undefined && before.base === after?.base && before.number + 1 === after.number;
}
