import { defineConfig } from 'vitest/config';
import short from './vitest.config.ts';

// Many rounds of what `npm test` runs a few of: for a night, or after a change to how data are restored.
export default defineConfig({
  ...short,
  test: { ...short.test, include: ['test/**/*.long.ts'], testTimeout: 60 * 60_000 },
});
