// What this program stands on, checked before anything is opened: Node, SQLite, ws, and an environment that would switch TLS checks off.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { sqliteVersion } from './data-directory.ts';

export interface Runtime {
  readonly node: string;
  readonly sqlite: string;
  readonly ws: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Below: a fix that durability or the limits rely on is missing. */
export const FLOORS = { node: '26.3.1', sqlite: '3.51.3', ws: '8.23.0' } as const;

export function runtimeProblems(runtime: Runtime): string[] {
  const problems: string[] = [];
  const need = (name: string, found: string, needed: string, remedy: string): void => {
    if (isOlder(found, needed)) problems.push(`${name} ${found} is too old, ${needed} or later is needed: ${remedy}`);
  };
  need('Node', runtime.node, FLOORS.node, 'npm ci installs one; start with npm run -s fieldgate -- start');
  need('SQLite', runtime.sqlite, FLOORS.sqlite, 'npm ci installs the better-sqlite3 that brings it');
  need('ws', runtime.ws, FLOORS.ws, 'npm ci installs it');
  if (runtime.env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    problems.push(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 switches all certificate checks off: unset it (NODE_EXTRA_CA_CERTS=FILE adds an authority)',
    );
  return problems;
}

export function presentRuntime(env: NodeJS.ProcessEnv): Runtime {
  const wsManifest = createRequire(import.meta.url).resolve('ws/package.json');
  const { version: ws } = JSON.parse(readFileSync(wsManifest, 'utf8')) as { version: string };
  return { node: process.versions.node, sqlite: sqliteVersion(), ws, env };
}

/** How many files this process may have open, or null where nobody says. */
export function openFileLimit(): number | null {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? null : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return null;
  }
}

function isOlder(found: string, needed: string): boolean {
  const parts = (version: string): number[] => version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  const a = parts(found);
  for (const [i, b] of parts(needed).entries()) if ((a[i] ?? 0) !== b) return (a[i] ?? 0) < b;
  return false;
}
