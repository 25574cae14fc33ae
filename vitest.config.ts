import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/setup/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two servers' worth of tests at once: more than that and the machine's two cores make timeouts lie.
    maxWorkers: 2,
    unstubEnvs: true,
    // What is polled for comes as soon as it can: the default of one second is short for a machine with other work to do.
    expect: { poll: { timeout: 30_000 } },
    // A run that is read by a program leaves its counts behind.
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.setup/test-results.json' }]] : ['default'],
  },
});
