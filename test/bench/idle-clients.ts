// Connections that only stay: `idle-clients.ts PORT CA_FILE TOKENS_FILE COUNT`; prints `connected` and answers pings until it is ended.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';

const [port, caFile, tokensFile, count] = process.argv.slice(2);
const ca = readFileSync(caFile);
const tokens = tokensFile === '' ? [] : readFileSync(tokensFile, 'utf8').split('\n');
const PONG = Buffer.from([0x8a, 0x80, 1, 2, 3, 4]);

function open(index: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca, servername: 'localhost' }, () => {
      const auth = tokens[index] === undefined ? '' : `Authorization: Bearer ${tokens[index]}\r\n`;
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET /v1/device HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${auth}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
    });
    let isOpen = false;
    socket.on('data', (data: Buffer) => {
      if (isOpen && data[0] === 0x89) socket.write(PONG);
      if (isOpen) return;
      isOpen = data.toString('latin1', 0, 12).includes('101');
      if (!isOpen) throw new Error(data.toString());
      resolve();
    });
    socket.on('error', (error) => {
      throw error;
    });
    socket.on('close', () => {
      throw new Error('a connection was closed');
    });
  });
}

for (let i = 0; i < Number(count); i += 50) {
  await Promise.all(Array.from({ length: Math.min(50, Number(count) - i) }, (_, k) => open(i + k)));
}
console.log('connected');
