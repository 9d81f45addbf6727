// Files served as they are. A folder is listed once: what is not in the list does not exist, so no path and no link leads out of it.

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context } from 'hono';
import type { ApiEnv } from './api-deps.ts';

export interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer> | null;
  readonly type: string;
  readonly etag: string;
}
export interface StaticFolder {
  /** By its name with `/` between folders; undefined when there is none. */
  file(name: string): Promise<StaticFile> | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = /^(text\/|image\/svg|application\/)/;
const gzipAsync = promisify(gzip);

/** An absent folder is an empty one. It is listed at the first request. `isServed` names what of it may be seen. */
export function createStaticFolder(folder: string, isServed: (name: string) => boolean = () => true): StaticFolder {
  let paths: ReadonlyMap<string, string> | undefined;
  const loaded = new Map<string, Promise<StaticFile>>();
  return {
    file(name) {
      paths ??= pathsIn(folder, isServed);
      const path = paths.get(name);
      if (path === undefined) return undefined;
      let file = loaded.get(name);
      if (!file) {
        file = load(path);
        // What could not be read now may be readable later.
        file.catch(() => loaded.delete(name));
        loaded.set(name, file);
      }
      return file;
    },
  };
}

function pathsIn(folder: string, isServed: (name: string) => boolean): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const entry of listed(folder)) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    if (entry.isFile() && Object.hasOwn(TYPES, extname(name)) && isServed(name)) paths.set(name, path);
  }
  return paths;
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function load(path: string): Promise<StaticFile> {
  return staticFile(await readFile(path), extname(path));
}

export async function staticFile(bytes: Uint8Array<ArrayBuffer>, extension: string): Promise<StaticFile> {
  const type = TYPES[extension] as string;
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { bytes, type, etag, gzipped: COMPRESSIBLE.test(type) ? await gzipAsync(bytes) : null };
}

export function respondWithFile(c: Context<ApiEnv>, file: StaticFile, headers: Readonly<Record<string, string>>): Response {
  const sent: Record<string, string> = { ...headers, etag: file.etag, vary: 'accept-encoding' };
  if (c.req.header('if-none-match')?.includes(file.etag)) return c.body(null, 304, sent);
  sent['content-type'] = file.type;
  if (!file.gzipped || !/\bgzip\b(?!;\s*q=0(?:\.0*)?(?:,|$))/i.test(c.req.header('accept-encoding') ?? ''))
    return c.body(file.bytes, 200, sent);
  sent['content-encoding'] = 'gzip';
  return c.body(file.gzipped, 200, sent);
}
