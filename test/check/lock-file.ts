// `npm ci` on any machine, from package.json and package-lock.json alone: the lock is complete for all platforms, names no address, and no
// package runs a script on installation unless package.json says so.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcome, type Check, type Finding, type Outcome } from './check.ts';

type Versions = Readonly<Record<string, string>>;
interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly gypfile?: boolean;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
}
export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}
export interface Manifest {
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

export const lockFileCheck: Check = {
  name: 'lock file',
  async run(root) {
    const read = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
    // npm runs node-gyp for a package with this file, though the package declares no script.
    const isBuiltByNpm = (path: string): boolean => existsSync(join(root, path, 'binding.gyp'));
    return checkLockFile(read<Manifest>('package.json'), read<Lock>('package-lock.json'), isBuiltByNpm);
  },
};

export function checkLockFile(manifest: Manifest, lock: Lock, isBuiltByNpm: (path: string) => boolean): Outcome {
  const findings: Finding[] = [];
  const root = lock.packages[''];
  for (const group of ['dependencies', 'devDependencies'] as const) {
    for (const name of new Set([...Object.keys(manifest[group] ?? {}), ...Object.keys(root?.[group] ?? {})])) {
      const asked = manifest[group]?.[name];
      if (asked !== root?.[group]?.[name])
        findings.push(`package-lock.json: ${name} is ${root?.[group]?.[name] ?? 'missing'}, package.json says ${asked ?? 'nothing'}`);
    }
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (!entry.version) findings.push(`package-lock.json: ${name} has no version`);
    if (entry.resolved?.startsWith('http'))
      findings.push(`package-lock.json: ${name} names an address; use npm's omit-lockfile-registry-resolved`);
    for (const wanted of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      if (!isLocked(lock, path, wanted))
        findings.push(`package-lock.json: ${wanted}, which ${name} asks for, is missing; npm ci refuses the lock`);
    }
    const isAllowed = manifest.allowScripts?.[name];
    if (entry.hasInstallScript && isAllowed === undefined) {
      findings.push(`package.json: ${name} runs a script when it is installed; allow or deny it in allowScripts`);
    }
    // npm 10 knows no allowScripts, and forgets the package's own "gypfile": false when it reads the lock.
    if (isBuiltByNpm(path) && entry.gypfile !== false && isAllowed !== true) {
      findings.push(`package-lock.json: npm would compile ${name}; give its entry "gypfile": false, since it brings what it needs`);
    }
  }
  return outcome(findings);
}

/** Where Node would find `wanted` from the package at `path`: in its own node_modules, or in one above. */
function isLocked(lock: Lock, path: string, wanted: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${wanted}`]) return true;
    if (at === '') return false;
  }
}
