// What browsers load: the OpenAPI document, its viewer, the console's page and files, and the policy that keeps everything else out.

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../gateway/identity/access.ts';
import { type ApiHouse, openApiHouse } from '../support/api-house.ts';

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2000))})`;
let folder: string;
let house: ApiHouse;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fieldgate-console-'));
  const consoleFolder = path.join(folder, 'dist');
  await mkdir(path.join(consoleFolder, 'assets'), { recursive: true });
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  await writeFile(path.join(consoleFolder, 'index.html'), '<!doctype html><title>console</title>');
  await writeFile(path.join(consoleFolder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(path.join(consoleFolder, 'assets', 'index-abc123.js'), SCRIPT);
  await writeFile(path.join(consoleFolder, 'assets', 'index-abc123.css'), 'a{}');
  await writeFile(path.join(consoleFolder, 'assets', 'build.log'), 'not a web file');
  await symlink(path.join(folder, 'secret.txt'), path.join(consoleFolder, 'assets', 'link.txt'));
  await symlink(folder, path.join(consoleFolder, 'assets', 'up'));
  house = await openApiHouse({ deps: { consoleFolder } });
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: a document is walked
const refsIn = (node: any): string[] =>
  typeof node !== 'object' || node === null
    ? []
    : Object.entries(node).flatMap(([key, value]) => (key === '$ref' ? [value as string] : refsIn(value)));

test('the OpenAPI document has every route of the access table, with its role', async () => {
  const { status, json } = await house.ask('GET', '/openapi.json', { as: 'nobody' });
  expect(status).toBe(200);
  expect(json.openapi).toBe('3.1.0');
  expect(json.info.version).toBe('0.0.0-test');
  const isPage = (route: { path: string }): boolean => !/^\/(v1\/|healthz|readyz|metrics|ca\.crt)/.test(route.path);
  const documented = Object.entries(json.paths as Record<string, Record<string, { 'x-access': string }>>).flatMap(([at, methods]) =>
    Object.entries(methods).map(([method, operation]) => `${method.toUpperCase()} ${at} ${operation['x-access']}`),
  );
  const table = ROUTES.filter((route) => route.method !== 'UPGRADE' && route.method !== 'EVENTS' && !isPage(route));
  expect(documented.sort()).toEqual(
    table.map(({ method, path: at, role }) => `${method} ${at.replaceAll(/:(\w+)/g, '{$1}')} ${role}`).sort(),
  );
});

test('the OpenAPI document takes the settings that a serial port may have', async () => {
  const { json } = await house.ask('GET', '/openapi.json', { as: 'nobody' });
  const { dataBits, stopBits, rule } = json.components.schemas.SerialSettings.properties;
  expect([dataBits.enum, stopBits.enum]).toEqual([
    [5, 6, 7, 8],
    [1, 2],
  ]);
  // a Modbus bus has none
  expect(rule.anyOf).toEqual([{ $ref: '#/components/schemas/SerialPart' }, { type: 'null' }]);
});

test('the OpenAPI document holds together: references, parameters, answers', async () => {
  const { json } = await house.ask('GET', '/openapi.json', { as: 'nobody' });
  for (const ref of refsIn(json)) {
    const target = ref
      .replace(/^#\//, '')
      .split('/')
      .reduce((node, key) => node?.[key], json);
    expect([ref, typeof target]).toEqual([ref, 'object']);
  }
  for (const [at, methods] of Object.entries(json.paths as Record<string, Record<string, any>>)) {
    for (const operation of Object.values(methods)) {
      expect(operation.summary).toEqual(expect.any(String));
      const declared = (operation.parameters ?? [])
        .filter((one: { in: string }) => one.in === 'path')
        .map((one: { name: string }) => one.name);
      expect(declared).toEqual([...at.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      expect(operation.responses.default.content['application/problem+json'].schema).toEqual({ $ref: '#/components/schemas/Problem' });
      for (const scheme of (operation.security ?? []).flatMap(Object.keys)) expect(json.components.securitySchemes).toHaveProperty(scheme);
    }
  }
});

test('R19 links of the document are of the configured address alone', async () => {
  expect((await house.ask('GET', '/openapi.json', { headers: { 'x-forwarded-host': 'evil.example' } })).json.servers).toEqual([
    { url: '/' },
  ]);
  await using known = await openApiHouse({
    config: { http: { host: '', port: 0, origins: [], trustedProxies: [], publicUrl: 'https://gw.example' } },
  });
  expect((await known.ask('GET', '/openapi.json')).json.servers).toEqual([{ url: 'https://gw.example' }]);
});

const STRICT = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
];

test.each(['/', '/fleet', '/devices/pump-1', '/devices/none-such', '/serial?port=p1', '/setup', '/signin', '/?q=tank&sort=age'])(
  'the page at %s is the console, under the strict policy',
  async (at) => {
    const answer = await house.ask('GET', at, { as: 'nobody', headers: { accept: 'text/html' } });
    expect([answer.status, answer.text]).toEqual([200, '<!doctype html><title>console</title>']);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const policy = (answer.headers.get('content-security-policy') ?? '').split('; ');
    for (const rule of [...STRICT, "trusted-types 'none'"]) expect(policy).toContain(rule);
    expect(policy.join(' ')).not.toMatch(/unsafe|\*|https?:/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  },
);

test('assets are kept for ever, the page is asked for again and answered 304 while it is the same', async () => {
  const asset = await house.ask('GET', '/assets/index-abc123.js', { as: 'nobody' });
  expect([asset.status, asset.text]).toEqual([200, SCRIPT]);
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect((await house.ask('GET', '/favicon.svg', { as: 'nobody' })).headers.get('content-type')).toBe('image/svg+xml');
  const etag = (await house.ask('GET', '/', { as: 'nobody' })).headers.get('etag') as string;
  const again = await house.ask('GET', '/', { as: 'nobody', headers: { 'if-none-match': etag } });
  expect([again.status, again.text]).toEqual([304, '']);
  expect((await house.ask('GET', '/', { as: 'nobody', headers: { 'if-none-match': '"other"' } })).status).toBe(200);
});

test('files are sent gzipped to those who take it', async () => {
  const body = await new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
    get(`${house.url}/assets/index-abc123.js`, { headers: { 'accept-encoding': 'gzip, br' } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ encoding: response.headers['content-encoding'], bytes: Buffer.concat(parts) }));
    }).on('error', reject);
  });
  expect(body.encoding).toBe('gzip');
  expect(body.bytes.length).toBeLessThan(SCRIPT.length / 4);
  expect(gunzipSync(body.bytes).toString()).toBe(SCRIPT);
  const refused = await house.ask('GET', '/assets/index-abc123.js', { headers: { 'accept-encoding': 'gzip;q=0' } });
  expect(refused.headers.get('content-encoding')).toBeNull();
});

test.each([
  '/assets//../config',
  '/assets/../../secret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/assets/..\\..\\secret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/assets/link.txt',
  '/assets/up/secret.txt',
  '/assets/up%2fsecret.txt',
  '/assets/build.log',
  '/assets/index-abc123.js/',
  '/assets/',
  '/assets',
  '/assets/none.js',
  '/assets/index.html',
  '/index.html',
  '/docs/index.js',
  '/docs/package.json',
  '/docs/swagger-ui.js.map',
  '/docs/..%2fpackage.json',
  '/docs/',
  '/devices/a/b',
  '/settings/x',
])('R6 %s leads to no file', async (at) => {
  const answer = await house.raw(`GET ${at} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(answer).not.toContain('secret');
});

test('a console that is not built says how to build it', async () => {
  await using bare = await openApiHouse();
  const answer = await bare.ask('GET', '/', { as: 'nobody' });
  expect(answer.status).toBe(404);
  expect(answer.json.detail).toContain('npm run build');
});

test('the viewer of the document comes from this gateway alone, under the same policy', async () => {
  const page = await house.ask('GET', '/docs', { as: 'nobody' });
  expect(page.status).toBe(200);
  for (const rule of STRICT) expect((page.headers.get('content-security-policy') ?? '').split('; ')).toContain(rule);
  expect(page.text).not.toMatch(/https?:/);
  const named = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
  expect(named.length).toBe(5);
  for (const file of named) expect([file, (await house.ask('GET', file, { as: 'nobody' })).status]).toEqual([file, 200]);
});
