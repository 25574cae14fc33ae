import type { Retention, RetentionDecision, RetentionPass } from '../contract/retention.ts';
import { sizeInWords, timeInWords } from './sizes-and-times.ts';
import { quoteText } from './untrusted-text.ts';

/** As many as an answer can bear; the counts tell of the rest. */
const mostShown = 8;

/** What a pass does or would do, in lines and as data: what goes with its reason, and how much stays. */
export function passInWords(pass: RetentionPass): { text: string[]; data: Record<string, unknown> } {
  const { expires, expires_count, expires_bytes, keeps_count, keeps_bytes } = pass;
  const shown = expires.slice(0, mostShown).map((each) => ({
    id: each.backup_id,
    type: quoteText(each.type),
    data_of: timeInWords(each.taken_at),
    reason: reasonOf(each),
  }));
  const part = shown.length < expires_count ? `, ${shown.length} shown` : '';
  const goes =
    expires_count === 0
      ? 'Now nothing would go.'
      : `Now ${expires_count} would go (${sizeInWords(expires_bytes)})${part}:`;
  return {
    text: [
      goes,
      ...shown.map(({ id, type, data_of, reason }) => `- ${data_of} · ${type} · id ${id} · ${reason}`),
      `${keeps_count} would stay (${sizeInWords(keeps_bytes)}).`,
    ],
    data: { expires: shown, expires_count, stays_count: keeps_count, stays_size: sizeInWords(keeps_bytes) },
  };
}

function reasonOf({ reason }: RetentionDecision): string {
  return quoteText(reason, 200);
}

export function retentionData({ service_id, policy, in_words, is_default }: Retention): Record<string, unknown> {
  return { service_id, policy, in_words, is_default };
}
