// A device with the package `ws`:  node node-ws.mjs wss://localhost:8443 TOKEN_FILE CA_FILE [READINGS]
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [url, tokenFile, caFile, count = '20'] = process.argv.slice(2);
const headers = { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
const options = { headers, ca: readFileSync(caFile), perMessageDeflate: false };
const stream = randomUUID(); // kept in memory like the frames: after a crash it is another one
const frames = new Map(); // by seq, until they are acknowledged
let [next, acked, sent] = [1, 0, Number.POSITIVE_INFINITY];
let socket;
let hasPosted = false;

function connect() {
  socket = new WebSocket(`${url}/v1/device`, 'fieldgate.v1', options);
  socket.on('open', () => {
    if (!hasPosted) say([{ n: 'greeting', vs: 'hello' }]); // a bare pack: at least once
    hasPosted = true;
    say({ type: 'hello', stream, oldest: acked + 1, next, acked, software: 'example-ws 1' });
  });
  socket.on('message', (text) => {
    const message = JSON.parse(text);
    if (message.type === 'stored') console.log(`stored ${message.readings}`);
    else if (message.type === 'error' || message.type === 'reject') console.error(message);
    else if (message.type === 'welcome') settle((sent = message.acked), 'welcome');
    else if (message.type === 'ack') settle(message.seq, 'ack');
  });
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', (code) => {
    console.log(`closed ${code}`);
    sent = Number.POSITIVE_INFINITY; // nothing goes out before the next welcome
    if (acked < Number(count)) setTimeout(connect, 1000 * Math.random()); // longer each time in a real device: see ../protocol.md
    else clearInterval(measuring);
  });
}
const say = (message) => socket.send(JSON.stringify(message));
function settle(seq, word) {
  for (acked = seq; frames.delete(seq); seq -= 1);
  console.log(`${word} ${acked}`);
  if (acked === Number(count)) socket.close(1000);
}
connect();
const measuring = setInterval(() => {
  if (next <= Number(count)) frames.set(next, [{ n: 'count', v: next++, t: Date.now() / 1000 }]);
  while (sent + 1 < next) say({ type: 'readings', seq: ++sent, readings: frames.get(sent) });
}, 200);
