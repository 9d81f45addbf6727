// A web server of somebody else: another origin than the gateway's, with a certificate of its own.

import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './test-certificates.ts';

export interface ServedPage {
  readonly type: string;
  readonly body: string;
}
export interface PageServer extends AsyncDisposable {
  readonly origin: string;
}

/** `find` gets the path of a request; what it does not know is answered 404. */
export async function startPageServer(find: (path: string) => ServedPage | undefined): Promise<PageServer> {
  const server = createServer(await selfSigned(), (request, response) => {
    const page = find(new URL(request.url ?? '/', 'https://localhost').pathname);
    response.writeHead(page === undefined ? 404 : 200, { 'Content-Type': page?.type ?? 'text/plain' });
    response.end(page?.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
