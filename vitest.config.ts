// The five suites, from fastest to slowest; test/run.ts runs them in this order. Nothing here depends on who runs it.

import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const SECONDS = 1000;

function suite(name: string, include: readonly string[], timeoutMs: number): TestProjectConfiguration {
  return {
    extends: true,
    // what is waited for has nearly as long as its test: on a busy machine a second is nothing
    test: {
      name,
      include: [...include],
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      expect: { poll: { timeout: (timeoutMs * 2) / 3 } },
    },
  };
}

export default defineConfig({
  // Compiled files stay out of node_modules, which may be read-only or shared.
  cacheDir: '.cache/vite',
  test: {
    pool: 'forks',
    maxWorkers: 2,
    teardownTimeout: 10 * SECONDS,
    // A test that needs a second try is a test that hides something.
    retry: 0,
    env: { TZ: 'UTC' },
    projects: [
      suite('unit', ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], 30 * SECONDS),
      suite('contract', ['test/contract/**/*.test.ts'], 30 * SECONDS),
      suite('gateway', ['test/gateway/**/*.test.ts'], 30 * SECONDS),
      suite('fault', ['test/fault/**/*.test.ts'], 60 * SECONDS),
      suite('browser', ['test/browser/**/*.test.ts'], 120 * SECONDS),
    ],
  },
});
