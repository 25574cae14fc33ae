import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SkybackupError } from '../contract/errors.ts';
import type { ApprovalChannel, Plan, PlanApproval } from '../contract/plans.ts';
import { canonicalJson, digestOf } from './arguments-digest.ts';
import { newNonce, newPlanCode, newPlanId, nonceHash, normalCode } from './plan-codes.ts';
import { type PlanRow, plansTable, readRow, statusOf, toPlan } from './plan-rows.ts';
import type { PlanDraft, PlanStore, PlanSubject } from './plan-store.ts';

export const planLifetimeMs = 10 * 60_000;
/** Ended plans stay readable this long, so that a late caller is told what became of its plan. */
const keepEndedMs = 24 * 60 * 60_000;

/** Channels on which a person types the target's id; on the other the host stands for it. */
const typedChannels: readonly ApprovalChannel[] = ['elicitation', 'terminal', 'approver_key', 'app'];
/** Channels on which only an answer to our own asking counts. */
const askedChannels: readonly ApprovalChannel[] = ['elicitation', 'app'];

export interface PlanStoreOptions {
  /** For tests: the clock, in milliseconds. */
  now?: () => number;
}

/**
 * Plans in SQLite. Given a file name, the store owns the file (made with mode 0600, WAL); given a database, it adds its table there
 * and leaves closing to the owner. Every transition is one conditional statement, so that of two racing processes one wins.
 */
export function openPlanStore(
  file: string | DatabaseSync,
  options: PlanStoreOptions = {},
): PlanStore & { close(): void } {
  const now = options.now ?? Date.now;
  const db = typeof file === 'string' ? openFile(file) : file;
  db.exec(plansTable);

  const insert = db.prepare(
    `INSERT INTO plans (id, code, operation, arguments, arguments_digest, binding, status, facts, confirm_id, target_digest, requested_by, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?) ON CONFLICT (code) DO NOTHING RETURNING *`,
  );
  const byId = db.prepare('SELECT * FROM plans WHERE id = ?');
  const byCode = db.prepare('SELECT * FROM plans WHERE code = ?');
  const open = db.prepare(
    `SELECT * FROM plans WHERE binding = ? AND operation = ? AND arguments_digest = ?
     AND status IN ('pending', 'approved') AND expires_at > ? ORDER BY created_at DESC, rowid DESC LIMIT 1`,
  );
  const all = db.prepare('SELECT * FROM plans ORDER BY created_at DESC, rowid DESC LIMIT 1000');
  const prune = db.prepare('DELETE FROM plans WHERE expires_at < ?');
  const setNonce = db.prepare(
    `UPDATE plans SET nonce_hash = ? WHERE id = ? AND status = 'pending' AND expires_at > ? RETURNING *`,
  );
  const approve = db.prepare(
    `UPDATE plans SET status = 'approved', approved_by = coalesce(approved_by, :channel),
       nonce_hash = CASE WHEN :nonce IS NULL THEN nonce_hash END
     WHERE id = :id AND status IN ('pending', 'approved') AND expires_at > :now
       AND (:nonce IS NULL OR nonce_hash = :nonce) AND (:typed IS NULL OR confirm_id = :typed) RETURNING *`,
  );
  const burnNonce = db.prepare('UPDATE plans SET nonce_hash = NULL WHERE id = ? AND nonce_hash = ?');
  const decline = db.prepare(
    `UPDATE plans SET status = ?, nonce_hash = NULL WHERE id = ? AND status IN ('pending', 'approved') RETURNING *`,
  );
  const claim = db.prepare(
    `UPDATE plans SET status = 'claimed', nonce_hash = NULL WHERE id = ? AND status = 'approved' AND expires_at > ?
       AND operation = ? AND arguments_digest = ? AND binding = ? RETURNING *`,
  );

  const need = (id: string): PlanRow => {
    const row = readRow(byId.get(id));
    if (row === undefined) throw new SkybackupError('not_found', 'There is no such plan, or it ended long ago.');
    return row;
  };

  return {
    create(draft: PlanDraft): Plan {
      const time = now();
      prune.run(time - keepEndedMs);
      // A code is eight letters: a rare collision within a day is met by drawing again.
      for (;;) {
        const row = readRow(
          insert.get(
            newPlanId(),
            newPlanCode(),
            draft.operation,
            canonicalJson(draft.arguments),
            digestOf(draft.arguments),
            draft.binding,
            JSON.stringify(draft.facts),
            draft.facts.confirm_id,
            draft.target_digest,
            draft.requested_by,
            time,
            time + planLifetimeMs,
          ),
        );
        if (row !== undefined) return toPlan(row, time);
      }
    },

    get(idOrCode: string): Plan | undefined {
      const code = normalCode(idOrCode);
      const row = readRow(byId.get(idOrCode)) ?? (code === undefined ? undefined : readRow(byCode.get(code)));
      return row && toPlan(row, now());
    },

    findOpen(subject: PlanSubject): Plan | undefined {
      const row = readRow(open.get(subject.binding, subject.operation, digestOf(subject.arguments), now()));
      return row && toPlan(row, now());
    },

    list(): Plan[] {
      return all.all().flatMap((raw) => {
        const row = readRow(raw);
        return row === undefined ? [] : [toPlan(row, now())];
      });
    },

    ask(id: string): string {
      const nonce = newNonce();
      if (setNonce.get(nonceHash(nonce), id, now()) === undefined) throw ended(need(id), now(), 'pending');
      return nonce;
    },

    approve(id: string, approval: PlanApproval): Plan {
      const { channel } = approval;
      // A nonce is compared on every channel that brings one, and where we ask it must come: an answer without our own asking is none.
      const unasked = askedChannels.includes(channel) ? '' : null;
      const nonce = approval.nonce === undefined ? unasked : nonceHash(approval.nonce);
      const typed = approval.typed_id ?? (typedChannels.includes(channel) ? '' : null);
      const row = readRow(approve.get({ id, channel, nonce, typed, now: now() }));
      if (row !== undefined) return toPlan(row, now());
      if (nonce) burnNonce.run(id, nonce);
      const current = need(id);
      const status = statusOf(current, now());
      if (status !== 'pending' && status !== 'approved') throw ended(current, now(), 'pending');
      if (typed !== null && typed !== current.confirm_id) {
        throw new SkybackupError(
          'plan_mismatch',
          `The id that was typed is not the one this plan is about: it needs "${current.confirm_id}".`,
          { hint: `Look at the plan again, then type ${current.confirm_id} exactly.`, retryable: true },
        );
      }
      throw new SkybackupError('plan_mismatch', 'This answer does not belong to the question that was asked last.', {
        hint: 'Call again, so that the question is asked anew.',
      });
    },

    decline(id: string, reason: 'declined' | 'cancelled'): Plan {
      const row = readRow(decline.get(reason === 'declined' ? 'declined' : 'void', id));
      if (row !== undefined) return toPlan(row, now());
      const current = need(id);
      // Saying no twice is no error; saying no to what already runs must not look like success.
      if (current.status === 'claimed') throw ended(current, now(), 'pending');
      return toPlan(current, now());
    },

    claim(id: string, subject: PlanSubject): Plan {
      const args = digestOf(subject.arguments);
      const row = readRow(claim.get(id, now(), subject.operation, args, subject.binding));
      if (row !== undefined) return toPlan(row, now());
      const current = need(id);
      if (
        current.operation !== subject.operation ||
        current.arguments_digest !== args ||
        current.binding !== subject.binding
      ) {
        throw new SkybackupError(
          'plan_mismatch',
          'This plan is for another request, or was made by another asker: nothing was done.',
        );
      }
      throw ended(current, now(), 'approved');
    },

    close(): void {
      if (typeof file === 'string') db.close();
    },
  };
}

/** Why a plan cannot go the step that needs it to be `wanted`. */
function ended(row: PlanRow, now: number, wanted: 'pending' | 'approved'): SkybackupError {
  switch (statusOf(row, now)) {
    case 'pending':
      return new SkybackupError('plan_not_approved', `Plan ${row.code} waits for a person's approval.`, {
        hint: `Ask the person to run "skybackup approve ${row.code}", then repeat the call.`,
        details: { plan_id: row.id, code: row.code },
      });
    case 'expired':
      return new SkybackupError('plan_expired', `Plan ${row.code} is older than ten minutes.`);
    case 'approved':
      return new SkybackupError('plan_used', `Plan ${row.code} is approved already.`, {
        hint: wanted === 'pending' ? 'Repeat the original call: it carries the plan out.' : 'Repeat the call.',
      });
    case 'declined':
      return new SkybackupError('plan_used', `Plan ${row.code} was declined.`);
    case 'void':
      return new SkybackupError(
        'plan_used',
        `Plan ${row.code} was given up, since its call was cancelled or its target is not as it was: a later yes is void.`,
      );
    case 'claimed':
      return new SkybackupError('plan_used', `Plan ${row.code} was carried out already.`);
  }
}

function openFile(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made by us first: SQLite would create it readable for all, and its -wal and -shm take the mode of the main file.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  return db;
}
