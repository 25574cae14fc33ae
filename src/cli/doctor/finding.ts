import { toSkybackupError } from '../../contract/errors.ts';

/** What was looked at, how it stands, and how to mend it. A warning does not fail the whole. */
export interface Finding {
  check: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  mend?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: 'ok', message };
}

export function warning(check: string, message: string, mend: string): Finding {
  return { check, status: 'warning', message, mend };
}

export function failed(check: string, error: unknown): Finding {
  const { code, message, hint } = toSkybackupError(error);
  const cause = code === 'internal' && error instanceof Error ? ` (${error.message})` : '';
  return { check, status: 'failed', message: `${message}${cause}`, mend: hint };
}

/** What `look` finds, or its error as a finding. */
export async function finding(check: string, look: () => Promise<Finding | string>): Promise<Finding> {
  try {
    const found = await look();
    return typeof found === 'string' ? ok(check, found) : found;
  } catch (error) {
    return failed(check, error);
  }
}
