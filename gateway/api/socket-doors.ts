// GET /v1/device without an upgrade: what is spoken there is WebSocket.

import { createRoute } from '@hono/zod-openapi';
import type { Api } from './api-deps.ts';
import { problem } from './problem.ts';
import { refusals } from './route-parts.ts';

const responses = { 101: { description: 'The socket is open; see the protocol' }, default: refusals };
const device = createRoute({ method: 'get', path: '/v1/device', summary: 'The device socket (WebSocket, fieldgate.v1)', responses });

const UPGRADE = { upgrade: 'websocket', connection: 'Upgrade' };

export function registerSocketDoors(api: Api): void {
  api.openapi(device, (c) => problem(c, 'upgrade-required', { headers: UPGRADE }));
}
