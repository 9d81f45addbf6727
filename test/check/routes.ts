// Every route that is served has a role in the access table, and every entry of the table is served: a route without a role is a hole,
// a role without a route is a hole to come.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outcome, type Check, type Finding, type Outcome } from './check.ts';
import { isNode, readTree, walkSyntax, type Tree } from './source-tree.ts';

/** A request by method and path; an upgrade has the method UPGRADE, a GET that asks for server-sent events EVENTS. */
export interface Route {
  readonly method: string;
  readonly path: string;
}
export interface TableEntry extends Route {
  readonly role?: unknown;
}

export const routesCheck: Check = {
  name: 'routes',
  async run(root) {
    const missing = ['gateway/identity/access.ts', 'gateway/api/api.ts'].filter((file) => !existsSync(join(root, file)));
    if (missing.length > 0) return outcome(missing.map((file) => `${file} is missing: no route can be compared with its role`));
    const { ROUTES } = (await load(root, 'gateway/identity/access.ts')) as { ROUTES: readonly TableEntry[] };
    const { createApi } = (await load(root, 'gateway/api/api.ts')) as { createApi(deps: unknown): ServedApi };
    let api: ServedApi;
    try {
      api = createApi(standIns(readTree(root)));
    } catch (error) {
      return outcome([`gateway/api/api.ts cannot be put together: ${error instanceof Error ? error.message : String(error)}`]);
    }
    const served = [...api.routes.filter((route) => route.method !== 'ALL'), ...upgradesIn(readTree(root)), ...eventStreamsIn(api)];
    return checkRoutes(ROUTES, served);
  },
};

export function checkRoutes(table: readonly TableEntry[], served: readonly Route[]): Outcome {
  const findings: Finding[] = [];
  const declared = new Map(table.map((entry) => [key(entry), entry]));
  const known = new Set(served.map(key));
  for (const route of new Set(served.map(key)))
    if (!declared.has(route)) findings.push(`${route} is served and has no role in gateway/identity/access.ts`);
  for (const [route, entry] of declared) {
    if (!known.has(route)) findings.push(`${route} has a role in gateway/identity/access.ts and is served by nobody`);
    if (entry.role === undefined || entry.role === '') findings.push(`${route} has an entry in gateway/identity/access.ts without a role`);
  }
  if (declared.size !== table.length) findings.push('gateway/identity/access.ts: a route is in the table twice');
  return outcome(findings);
}

/** Addresses that take sockets: whoever serves one names its row of the table, `UPGRADE /v1/device`, when it hands its handler on. */
export function upgradesIn(tree: Tree): Route[] {
  const upgrades: Route[] = [];
  for (const file of tree) {
    if (!/^gateway\/(?!identity\/).*\.ts$/.test(file.path)) continue;
    walkSyntax(file, (node) => {
      const path = node.type === 'Literal' && typeof node['value'] === 'string' ? /^UPGRADE (\/\S+)$/.exec(node['value'])?.[1] : undefined;
      if (path) upgrades.push({ method: 'UPGRADE', path });
    });
  }
  return upgrades;
}

/** Addresses whose GET may answer with server-sent events, as their own description says. */
export function eventStreamsIn(api: Pick<ServedApi, 'getOpenAPI31Document'>): Route[] {
  const { paths = {} } = api.getOpenAPI31Document({ openapi: '3.1.0', info: { title: '', version: '' } });
  return Object.entries(paths).flatMap(([path, { get }]) =>
    get?.responses?.['200']?.content?.['text/event-stream'] === undefined ? [] : [{ method: 'EVENTS', path }],
  );
}

interface ServedApi {
  readonly routes: readonly Route[];
  getOpenAPI31Document(about: object): {
    readonly paths?: Readonly<Record<string, { readonly get?: { readonly responses?: Readonly<Record<string, Answer>> } }>>;
  };
}
interface Answer {
  readonly content?: Readonly<Record<string, unknown>>;
}

/** `GET /v1/devices/:id`, however the parameter is written. */
function key({ method, path }: Route): string {
  return `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1').replace(/:\w+(\{[^}]*\})?/g, ':_')}`;
}

async function load(root: string, file: string): Promise<unknown> {
  return import(pathToFileURL(join(root, file)).href);
}

/** Something in the place of each member that the API asks for. */
function standIns(tree: Tree): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  const file = tree.find(({ path }) => path === 'gateway/api/api-deps.ts');
  if (file) {
    walkSyntax(file, (node, above) => {
      const owner = above.at(-2);
      const isMember =
        node.type === 'TSPropertySignature' &&
        owner?.type === 'TSInterfaceDeclaration' &&
        isNode(owner['id']) &&
        owner['id']['name'] === 'ApiDeps';
      if (isMember && isNode(node['key'])) members[String(node['key']['name'])] = standIn();
    });
  }
  return members;
}

/** Takes every name and every call: nothing is really asked of it before a request comes. */
function standIn(): unknown {
  return new Proxy(() => undefined, {
    get: (_target, name) => (name === Symbol.toPrimitive ? () => 0 : standIn()),
    apply: () => standIn(),
  });
}
