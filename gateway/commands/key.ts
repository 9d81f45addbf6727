// fieldgate key …: API keys for machines and kiosks.

import type { IssuedKey, KeyView } from '../protocol/rest.ts';
import { type CommandSpec, controlled, type GroupSpec, JSON_OPTION, ROLE_OPTION } from './cli.ts';
import { printList } from './output.ts';

const add: CommandSpec = {
  name: 'add',
  says: 'add a key; prints it',
  args: ['name'],
  options: [ROLE_OPTION],
  run: controlled<{ role: string }>(
    async (cli, control, { args: [name], options }) => {
      const issued = await control.ask<IssuedKey>('POST', '/v1/keys', { name, role: options.role });
      cli.out(issued.key);
      cli.say(`added key ${issued.id} (${issued.name}, ${issued.role}); the line on stdout is the key, shown once`);
    },
    { mayCreate: true },
  ),
};

const list: CommandSpec = {
  name: 'list',
  says: 'all keys',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    printList(cli, {
      rows: await control.list<KeyView>('/v1/keys'),
      json: options.json,
      empty: 'no keys; add one with: fieldgate key add NAME --role viewer',
      columns: [
        { title: 'ID', cell: (row) => row.id },
        { title: 'NAME', cell: (row) => row.name },
        { title: 'ROLE', cell: (row) => row.role },
        { title: 'CREATED', cell: (row) => row.createdAt },
      ],
    });
  }),
};

const revoke: CommandSpec = {
  name: 'revoke',
  says: 'end a key, by its id; open sockets are closed before this returns',
  args: ['id'],
  run: controlled(async (cli, control, { args: [id = ''] }) => {
    await control.ask('DELETE', `/v1/keys/${encodeURIComponent(id)}`);
    cli.say(`revoked key ${id}`);
  }),
};

export const KEY: GroupSpec = { name: 'key', says: 'API keys for machines and kiosks', commands: [add, list, revoke] };
