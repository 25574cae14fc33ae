import type { Tool } from '../define-tool.ts';
import { cancelJob } from './cancel-job.ts';
import { checkBackups } from './check-backups.ts';
import { createBackup } from './create-backup.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteBackup } from './delete-backup.ts';
import { deleteRestore } from './delete-restore.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { findTransactions } from './find-transactions.ts';
import { getRetention } from './get-retention.ts';
import { listBackups } from './list-backups.ts';
import { listRestores } from './list-restores.ts';
import { listSchedules } from './list-schedules.ts';
import { listServices } from './list-services.ts';
import { listStorages } from './list-storages.ts';
import { previewSchedule } from './preview-schedule.ts';
import { restoreBackup } from './restore-backup.ts';
import { setRetention } from './set-retention.ts';
import { showBackup } from './show-backup.ts';
import { showBackups } from './show-backups.ts';
import { startService } from './start-service.ts';
import { stopService } from './stop-service.ts';
import { undoRestore } from './undo-restore.ts';
import { updateSchedule } from './update-schedule.ts';
import { verifyBackup } from './verify-backup.ts';
import { waitFor } from './wait-for.ts';

/** In the order in which a client shows them. */
export const allTools: readonly Tool[] = [
  listServices,
  listBackups,
  showBackup,
  checkBackups,
  showBackups,
  listStorages,
  createBackup,
  verifyBackup,
  findTransactions,
  restoreBackup,
  undoRestore,
  waitFor,
  cancelJob,
  listRestores,
  deleteRestore,
  listSchedules,
  previewSchedule,
  createSchedule,
  updateSchedule,
  deleteSchedule,
  getRetention,
  setRetention,
  deleteBackup,
  startService,
  stopService,
];
