import { auditBackups } from './audit-backups.ts';
import type { Prompt } from './define-prompt.ts';
import { moveBackups } from './move-backups.ts';
import { protectService } from './protect-service.ts';
import { restoreDrill } from './restore-drill.ts';
import { restoreToMoment } from './restore-to-moment.ts';

/** In the order in which a client shows them. */
export const allPrompts: readonly Prompt[] = [protectService, restoreToMoment, auditBackups, moveBackups, restoreDrill];
