// npm run lock, after each `npm install`: npm leaves packages for other platforms out of the lock when the registry it asks doesn't have
// them, and forgets that a package ships prebuilt; `npm ci` elsewhere would refuse the one and compile the other. Entries that were not
// seen here have a version and no integrity.

import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  version?: string;
  resolved?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  gypfile?: boolean;
  optionalDependencies?: Record<string, string>;
}

const FILE = 'package-lock.json';
const SYSTEMS = ['android', 'darwin', 'linux', 'win32', 'windows', 'freebsd', 'netbsd', 'openbsd', 'sunos', 'aix', 'openharmony', 'wasi'];
const PROCESSORS = ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'mipsel', 'wasm32'];

const lock = JSON.parse(readFileSync(FILE, 'utf8')) as { packages: Record<string, Entry> };
const { allowScripts = {} } = JSON.parse(readFileSync('package.json', 'utf8')) as { allowScripts?: Record<string, boolean> };
for (const [path, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  if (path !== '' && shipsPrebuilt(path)) entry.gypfile = false;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const isKnown = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((place) => lock.packages[place] !== undefined);
    if (!isKnown) lock.packages[`node_modules/${name}`] = platformEntry(name, version, entry);
  }
}
const { '': root, ...others } = lock.packages;
lock.packages = { '': root, ...Object.fromEntries(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);

function platformEntry(name: string, version: string, parent: Entry): Entry {
  if (!/^\d/.test(version))
    throw new Error(`${name}@${version}: an optional dependency without an exact version; install it where the registry has it`);
  const words = name.split(/[/-]/);
  const system = SYSTEMS.find((word) => words.includes(word));
  const cpu = PROCESSORS.find((word) => words.includes(word));
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : words.some((word) => word.startsWith('gnu')) ? 'glibc' : null;
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(parent.dev && { dev: true }),
    ...(libc !== null && system === 'linux' && { libc: [libc] }),
    license: parent.license ?? 'MIT',
    optional: true,
    ...(system && { os: [system === 'windows' ? 'win32' : system] }),
  };
}

/** It says so itself, or package.json denies its script because it does. */
function shipsPrebuilt(path: string): boolean {
  if (allowScripts[path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)] === false) return true;
  try {
    return JSON.parse(readFileSync(`${path}/package.json`, 'utf8')).gypfile === false;
  } catch {
    return false; // a package of another platform
  }
}
