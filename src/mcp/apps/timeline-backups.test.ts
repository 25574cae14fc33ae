import { expect, it } from 'vitest';
import type { Backup } from '../../contract/backups.ts';
import { registerSecret } from '../../contract/redact.ts';
import { timelineBackup } from './timeline-backups.ts';

it('leaves no half of a secret where a message is cut', () => {
  const secret = 'half-of-me-is-known-to-nobody';
  registerSecret(secret);
  const message = `${'x'.repeat(285)} ${secret} and more`;
  const backup: Backup = { id: '1', service_id: 'orders', type: 'full', status: 'Failed', message };
  expect(timelineBackup(backup).message).not.toContain('half-of');
});
