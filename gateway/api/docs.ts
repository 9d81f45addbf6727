// /openapi.json, made of the very schemas that check the requests, and /docs, which shows it without asking anything of another host.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Access } from '../identity/access.ts';
import type { Api, ApiDeps } from './api-deps.ts';
import { pageHeaders } from './console.ts';
import { ROUTE_ENTRIES } from './gate.ts';
import { problem } from './problem.ts';
import { createStaticFolder, respondWithFile, staticFile } from './static-folder.ts';

/** The one policy that START makes. */
const PAGE_HEADERS = pageHeaders('default');
const UI_FILES = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fieldgate: the HTTP interface</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/start.js"></script>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/show.js"></script>
</body>
</html>
`;

// The viewer writes its own markup; what it makes of the document is our own text, and scripts come from this host alone.
const START = `if (self.trustedTypes) trustedTypes.createPolicy('default', { createHTML: (text) => text });\n`;
const SHOW = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'list', validatorUrl: null });\n`;

export function registerDocs(api: Api, deps: ApiDeps): void {
  const viewer = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const folder = createStaticFolder(viewer, (name) => UI_FILES.has(name));
  const own = {
    '': staticFile(Buffer.from(PAGE), '.html'),
    'start.js': staticFile(Buffer.from(START), '.js'),
    'show.js': staticFile(Buffer.from(SHOW), '.js'),
  };

  let document: object | undefined;
  api.get('/openapi.json', (c) => {
    document ??= openApiOf(api, deps);
    return c.json(document, 200);
  });
  api.get('/docs', async (c) => respondWithFile(c, await own[''], PAGE_HEADERS));
  api.get('/docs/:file', async (c) => {
    const name = c.req.path.slice('/docs/'.length);
    const file = name === 'start.js' || name === 'show.js' ? own[name] : folder.file(name);
    return file ? respondWithFile(c, await file, PAGE_HEADERS) : problem(c, 'not-found');
  });
}

function openApiOf(api: Api, deps: ApiDeps): object {
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Fieldgate',
      version: deps.info.version,
      description: 'Devices, readings and administration. Times ending in `At` are RFC 3339, in `Ms` epoch milliseconds.',
    },
    servers: [{ url: deps.config.http.publicUrl === '' ? '/' : deps.config.http.publicUrl }],
  });
  // Roles come from the table that enforces them, so that the document cannot say another.
  for (const { method, path, role } of ROUTE_ENTRIES) {
    const item = (document.paths?.[path.replaceAll(/:(\w+)/g, '{$1}')] ?? {}) as Record<string, object | undefined>;
    const operation = item[method.toLowerCase()];
    if (operation) Object.assign(operation, { 'x-access': role, security: securityOf(role) });
  }
  const securitySchemes = {
    bearer: { type: 'http', scheme: 'bearer', description: 'An API key, a device token or an enrolment key' },
    session: { type: 'apiKey', in: 'cookie', name: '__Host-fieldgate', description: 'The cookie of POST /v1/session' },
  };
  return { ...document, components: { ...document.components, securitySchemes } };
}

function securityOf(role: Access): object[] {
  if (role === 'public') return [];
  if (role === 'device' || role === 'enrolment') return [{ bearer: [] }];
  return role === 'session' || role === 'metrics' ? [{}, { bearer: [] }, { session: [] }] : [{ bearer: [] }, { session: [] }];
}
