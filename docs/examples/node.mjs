// A device with nothing but Node 22 or later; its WebSocket takes the CA from the environment:
//   NODE_EXTRA_CA_CERTS=ca.crt node node.mjs wss://localhost:8443 TOKEN_FILE [READINGS]
import { readFileSync } from 'node:fs';

const [url, tokenFile, count = '20'] = process.argv.slice(2);
const headers = { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
const stream = crypto.randomUUID(); // kept in memory like the frames: after a crash it is another one
const frames = new Map(); // by seq, until they are acknowledged
let [next, acked, sent] = [1, 0, Number.POSITIVE_INFINITY];
let socket;
let hasPosted = false;

function connect() {
  socket = new WebSocket(`${url}/v1/device`, { protocols: ['fieldgate.v1'], headers });
  socket.onopen = () => {
    if (!hasPosted) say([{ n: 'greeting', vs: 'hello' }]); // a bare pack: at least once
    hasPosted = true;
    say({ type: 'hello', stream, oldest: acked + 1, next, acked, software: 'example-node 1' });
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'stored') console.log(`stored ${message.readings}`);
    else if (message.type === 'error' || message.type === 'reject') console.error(message);
    else if (message.type === 'welcome') settle((sent = message.acked), 'welcome');
    else if (message.type === 'ack') settle(message.seq, 'ack');
  };
  socket.onerror = ({ message }) => console.error(message);
  socket.onclose = ({ code }) => {
    console.log(`closed ${code}`);
    sent = Number.POSITIVE_INFINITY; // nothing goes out before the next welcome
    if (acked < Number(count)) setTimeout(connect, 1000 * Math.random()); // longer each time in a real device: see ../protocol.md
    else clearInterval(measuring);
  };
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
