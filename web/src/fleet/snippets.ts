// A first reading in four languages, filled in with this gateway's address and the device's token. What is code is not translated.
export type SnippetName = 'curl' | 'python' | 'wscat' | 'simulator';

export interface SnippetFacts {
  readonly device: string;
  readonly token: string;
  /** Of this page, so of the gateway as people reach it. */
  readonly origin: string;
  /** The gateway signs its certificate itself, so clients need its authority. */
  readonly needsCa: boolean;
}

const CA_FILE = 'fieldgate-ca.crt';
const READING = '[{"n":"temperature","u":"Cel","v":21.5}]';

export function snippet(name: SnippetName, facts: SnippetFacts): string {
  const { origin, token, device, needsCa } = facts;
  const socket = origin.replace(/^http/, 'ws');
  const fetchCa = needsCa ? `curl -sko ${CA_FILE} ${origin}/ca.crt\n` : '';
  switch (name) {
    case 'curl':
      return `${fetchCa}curl ${needsCa ? `--cacert ${CA_FILE} ` : ''}${origin}/v1/readings \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -d '${READING}'`;
    case 'python':
      return `# pip install 'websockets>=11'${needsCa ? `\n# curl -sko ${CA_FILE} ${origin}/ca.crt` : ''}
import json, ssl
from websockets.sync.client import connect

${needsCa ? `tls = ssl.create_default_context(cafile="${CA_FILE}")\n` : ''}with connect("${socket}/v1/device",${needsCa ? ' ssl=tls,' : ''}
             additional_headers={"Authorization": "Bearer ${token}"}) as gateway:
    gateway.send(json.dumps([{"n": "temperature", "u": "Cel", "v": 21.5}]))
    print(gateway.recv())  # {"type":"stored","readings":1}`;
    case 'wscat':
      return `${fetchCa}npx wscat ${needsCa ? `--ca ${CA_FILE} ` : ''}-c ${socket}/v1/device \\
  -H 'Authorization: Bearer ${token}' \\
  -w 60 -x '${READING}'`;
    case 'simulator':
      return `${fetchCa}(umask 077; printf %s '${token}' > ${device}.token)
npm run sim -- run --url ${socket} ${needsCa ? `--ca ${CA_FILE} ` : ''}\\
  --token-file ${device}.token --rate 1 --duration 60s --no-compare`;
    default: {
      const unknown: never = name;
      return unknown;
    }
  }
}
