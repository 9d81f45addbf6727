// A first reading in the languages of those who build devices, filled in with this gateway's address, its authority and the device's token.
// Lines that begin with $ are typed into a shell. What is code is not translated.
export type SnippetName = 'curl' | 'python' | 'node' | 'wscat' | 'arduino' | 'browser' | 'simulator';
export const SNIPPETS: readonly SnippetName[] = ['curl', 'python', 'node', 'wscat', 'arduino', 'browser', 'simulator'];

export interface SnippetFacts {
  readonly device: string;
  readonly token: string;
  /** Of this page, so of the gateway as people reach it. */
  readonly origin: string;
  /** The authority that signed the gateway's certificate, as PEM; null: one that everybody knows, or no TLS. */
  readonly caPem: string | null;
}

const CA_FILE = 'fieldgate-ca.crt';
const READING = '[{"n":"temperature","u":"Cel","v":21.5}]';

export function snippet(name: SnippetName, facts: SnippetFacts): string {
  const { origin, token, device, caPem } = facts;
  const needsCa = caPem !== null;
  const socket = origin.replace(/^http/, 'ws');
  const fetchCa = needsCa ? `curl -sko ${CA_FILE} ${origin}/ca.crt\n` : '';
  switch (name) {
    case 'curl':
      return `${fetchCa}curl ${needsCa ? `--cacert ${CA_FILE} ` : ''}${origin}/v1/readings \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -d '${READING}'`;
    case 'python':
      return `# pip install websockets, then save this as device.py and run
${commands('#', fetchCa, 'python3 device.py')}
import asyncio, base64, ssl, websockets

token = "${token}"
bearer = "bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")

async def main():
    async with websockets.connect(
        "${socket}/v1/device",
        subprotocols=["fieldgate.v1", bearer],${needsCa ? `\n        ssl=ssl.create_default_context(cafile="${CA_FILE}"),` : ''}
    ) as gateway:
        await gateway.send('${READING}')
        print(await gateway.recv())  # {"type":"stored","readings":1}

asyncio.run(main())`;
    case 'node':
      return `// Node 22 or later: save this as device.mjs and run
${commands('//', fetchCa, `${needsCa ? `NODE_EXTRA_CA_CERTS=${CA_FILE} ` : ''}node device.mjs`)}
const bearer = Buffer.from('${token}').toString('base64url');
const gateway = new WebSocket('${socket}/v1/device', ['fieldgate.v1', \`bearer.\${bearer}\`]);
gateway.onopen = () => gateway.send('${READING}');
gateway.onmessage = ({ data }) => {
  console.log(data); // {"type":"stored","readings":1}
  gateway.close();
};`;
    case 'wscat':
      return `${fetchCa}npx --yes wscat ${needsCa ? `--ca ${CA_FILE} ` : ''}-c ${socket}/v1/device \\
  -H 'Authorization: Bearer ${token}' \\
  -w 60 -x '${READING}'`;
    case 'arduino':
      return arduino(facts);
    case 'browser':
      return `<!doctype html>
<!-- Save as device.html and open it. The browser has to trust the gateway: open ${origin} in it once. -->
<meta charset="utf-8">
<title>${device}</title>
<pre></pre>
<script>
  const bearer = btoa('${token}').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const gateway = new WebSocket('${socket}/v1/device', ['fieldgate.v1', 'bearer.' + bearer]);
  gateway.onopen = () => gateway.send('${READING}');
  gateway.onmessage = ({ data }) => document.querySelector('pre').append(data);
</script>`;
    case 'simulator':
      return `# in the folder of Fieldgate
${fetchCa}(umask 077; printf %s '${token}' > ${device}.token)
npm run sim -- run --url ${socket} ${needsCa ? `--ca ${CA_FILE} ` : ''}\\
  --token-file ${device}.token --rate 1 --duration 60s --no-compare`;
    default: {
      const unknown: never = name;
      return unknown;
    }
  }
}

/** Each line as a comment. */
function commands(mark: string, fetchCa: string, run: string): string {
  return `${fetchCa}${run}`.replace(/^/gm, `${mark} $ `);
}

/** For the library «WebSockets» by Markus Sattler. */
function arduino({ token, origin, caPem }: SnippetFacts): string {
  const { hostname, port, protocol } = new URL(origin);
  const isSecure = protocol === 'https:';
  const at = `"${hostname}", ${port || (isSecure ? 443 : 80)}, "/v1/device"`;
  const begin =
    caPem !== null
      ? `beginSslWithCA(${at}, CA, "fieldgate.v1")`
      : `${isSecure ? 'beginSSL' : 'begin'}(${at}${isSecure ? ', ""' : ''}, "fieldgate.v1")`;
  const ca = caPem === null ? '' : `\nconst char CA[] = R"(${caPem.trim()}\n)";`;
  return `// Arduino IDE: an ESP32, and the library "WebSockets" by Markus Sattler
#include <WiFi.h>
#include <WebSocketsClient.h>
${ca}
WebSocketsClient gateway;
unsigned long sentAt = 0;

void setup() {
  WiFi.begin("NETWORK", "PASSWORD");
  while (WiFi.status() != WL_CONNECTED) delay(100);
  gateway.${begin};
  gateway.setExtraHeaders("Authorization: Bearer ${token}");
  gateway.setReconnectInterval(5000);
}

void loop() {
  gateway.loop();
  if (!gateway.isConnected() || millis() - sentAt < 5000) return;
  sentAt = millis();
  gateway.sendTXT("${READING.replaceAll('"', '\\"')}");
}`;
}
