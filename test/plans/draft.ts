import type { PlanDraft, PlanSubject } from '../../src/plans/plan-store.ts';

export const subject: PlanSubject = {
  operation: 'restore_backup',
  arguments: { service_id: 'orders', id: 'a:orders:orders-0' },
  binding: 'someone',
};

/** A draft such as a planner makes; `change` varies what a test is about. */
export function draft(change: Partial<PlanDraft> = {}): PlanDraft {
  return {
    ...subject,
    facts: {
      title: 'Replace all data of service orders',
      service_id: 'orders',
      confirm_id: 'orders',
      lost: [],
      warnings: [],
      undo: 'skybackup restores undo 1',
    },
    target_digest: 'd1',
    requested_by: 'a test',
    ...change,
  };
}
