// The command line's way to the running gateway: the same handlers as HTTP, on a Unix socket that only the owner may open. Whoever can
// open it is a local admin. (A socket's path has room for some 100 bytes: a longer one lives elsewhere, and control.json names it.)

import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { EXIT, Failure } from './failure.ts';
import type { Log } from './observe.ts';

export type FetchLocal = (request: Request) => Promise<Response>;

export interface ControlSocket {
  readonly path: string;
  /** Resolves when no command is being served any more; idempotent. */
  close(): Promise<void>;
}

const LONGEST_PATH_BYTES = 100;
const OWN_FOLDER = '/tmp/fieldgate-socket-';
/** A command that is still being answered gets this long when the gateway stops. */
const CLOSE_MS = 2000;

/** The caller holds the directory's lock: a socket that is there belongs to nobody any more. */
export async function openControlSocket(ask: {
  dataDir: string;
  fetchLocal: FetchLocal;
  env: NodeJS.ProcessEnv;
  log: Log;
}): Promise<ControlSocket> {
  const nameFile = join(ask.dataDir, 'control.json');
  removeStale(socketPath(ask.dataDir));
  rmSync(nameFile, { force: true });
  const { path, ownFolder } = choosePath(ask.dataDir, ask.env);
  removeStale(path);

  const server = createAdaptorServer({ fetch: (request) => ask.fetchLocal(request), overrideGlobalObjects: false }) as Server;
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  server.on('error', (error) => ask.log.error({ error }, 'the control socket failed'));
  if (path !== join(ask.dataDir, 'control.sock')) writeFileSync(nameFile, `${JSON.stringify({ socket: path })}\n`, { mode: 0o600 });

  let closing: Promise<void> | undefined;
  return {
    path,
    close() {
      closing ??= new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
        // closing a listening Unix socket removes its file
        server.close(() => {
          clearTimeout(timer);
          rmSync(nameFile, { force: true });
          if (ownFolder !== null) removeIfEmpty(ownFolder);
          resolve();
        });
        server.closeIdleConnections();
      });
      return closing;
    },
  };
}

/** Where a gateway on this directory listens, if one runs. */
export function socketPath(dataDir: string): string {
  try {
    const { socket } = JSON.parse(readFileSync(join(dataDir, 'control.json'), 'utf8')) as { socket?: unknown };
    if (typeof socket === 'string') return socket;
  } catch {
    // no control.json, or half of one: the usual place
  }
  return join(dataDir, 'control.sock');
}

export interface LocalAnswer {
  readonly status: number;
  readonly body: string;
}

/** One request over the socket; null when nobody listens there. */
export function askSocket(path: string, ask: { method: string; target: string; body?: string }): Promise<LocalAnswer | null> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { host: 'localhost', accept: 'application/json' };
    if (ask.body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(Buffer.byteLength(ask.body));
    }
    const request = httpRequest({ socketPath: path, method: ask.method, path: ask.target, headers, agent: false }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(null);
      else if (error.code === 'EACCES')
        reject(new Failure(EXIT.permission, `${path} belongs to another user: run the command as the gateway's user (sudo -u …)`));
      else reject(error);
    });
    request.end(ask.body);
  });
}

function choosePath(dataDir: string, env: NodeJS.ProcessEnv): { path: string; ownFolder: string | null } {
  const fits = (path: string): boolean => Buffer.byteLength(path) <= LONGEST_PATH_BYTES;
  const usual = join(dataDir, 'control.sock');
  if (fits(usual)) return { path: usual, ownFolder: null };
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && runtime.startsWith('/') && statSync(runtime, { throwIfNoEntry: false })?.isDirectory() === true) {
    const path = join(runtime, `fieldgate-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`);
    if (fits(path)) return { path, ownFolder: null };
  }
  // a folder with a random name that only its owner may enter
  const ownFolder = mkdtempSync(OWN_FOLDER);
  return { path: join(ownFolder, 'control.sock'), ownFolder };
}

function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Failure(EXIT.cannotCreate, `${path} is in the way of the control socket and is none: move it away`);
  rmSync(path);
  // a folder of our own is empty now; never anything that has more in it
  if (dirname(path).startsWith(OWN_FOLDER)) removeIfEmpty(dirname(path));
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
