import { onePage } from '../lists/list-page.ts';
import { recoveryWindowRow } from '../rows.ts';
import { defineResource } from './define-resource.ts';
import { firstPage } from './first-page.ts';

export const recoveryWindows = defineResource({
  name: 'recovery-windows',
  title: 'Recovery windows',
  description: 'The spans of time of which every moment can be restored, of each service',
  async read({ api, signal }) {
    const items = await api.lookupRecoveryWindows({ signal });
    // The newest of each service come last, and are what most want to know.
    return firstPage(
      'recovery_windows',
      async () => onePage(items.toReversed()),
      recoveryWindowRow,
      () => {
        return 'For those of one service call list_services with it.';
      },
    );
  },
});
