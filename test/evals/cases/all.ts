import type { EvalCase } from '../eval-case.ts';
import { backUp } from './back-up.ts';
import { cloudRules } from './cloud-rules.ts';
import { hostile } from './hostile.ts';
import { look } from './look.ts';
import { pointInTime } from './point-in-time.ts';
import { power } from './power.ts';
import { refusal } from './refusal.ts';
import { restore } from './restore.ts';
import { retention } from './retention.ts';
import { schedule } from './schedule.ts';
import { storage } from './storage.ts';
import { undoing } from './undo.ts';
import { verify } from './verify.ts';

/** A case's theme is the first part of its id. */
export const allCases: readonly EvalCase[] = [
  ...look,
  ...backUp,
  ...schedule,
  ...restore,
  ...pointInTime,
  ...undoing,
  ...retention,
  ...storage,
  ...verify,
  ...power,
  ...hostile,
  ...refusal,
  ...cloudRules,
];

export const themeOf = ({ id }: EvalCase): string => id.split('/')[0] ?? id;
