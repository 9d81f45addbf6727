// ws over TLS that does nothing with what it gets: what an idle connection costs before Fieldgate adds anything.
// `bare-ws.ts KEY_FILE CERT_FILE`; prints `ready PORT`.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const [key, cert] = process.argv.slice(2);
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (ws) => ws.on('message', () => undefined));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(`ready ${(server.address() as AddressInfo).port}`));
process.on('SIGTERM', () => process.exit(0));
