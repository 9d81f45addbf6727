// fieldgate user …, setup-code: people at the console.

import type { SetupCode, UserView } from '../protocol/rest.ts';
import { type CommandSpec, controlled, type GroupSpec, JSON_OPTION, ROLE_OPTION } from './cli.ts';
import { printList } from './output.ts';
import { readPassword } from './secret-input.ts';

const add: CommandSpec = {
  name: 'add',
  says: 'add a user; the password comes from stdin, or is made up and printed',
  args: ['name'],
  options: [ROLE_OPTION],
  run: async (cli, given) => {
    const password = await readPassword(cli);
    const create = controlled<{ role: string }>(
      async (_cli, control, { args: [name], options }) => {
        const user = await control.ask<UserView>('POST', '/v1/users', { name, role: options.role, password: password.text });
        if (password.isMade) cli.out(password.text);
        cli.say(`added ${user.name} (${user.role})${password.isMade ? '; the line on stdout is the password, shown once' : ''}`);
      },
      { mayCreate: true },
    );
    await create(cli, given);
  },
};

const list: CommandSpec = {
  name: 'list',
  says: 'all users',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    printList(cli, {
      rows: await control.list<UserView>('/v1/users'),
      json: options.json,
      empty: 'no users; add one with: fieldgate user add NAME --role admin',
      columns: [
        { title: 'NAME', cell: (row) => row.name },
        { title: 'ROLE', cell: (row) => row.role },
        { title: 'CREATED', cell: (row) => row.createdAt },
      ],
    });
  }),
};

const remove: CommandSpec = {
  name: 'remove',
  says: 'remove a user; open sessions end',
  args: ['name'],
  run: controlled(async (cli, control, { args: [name = ''] }) => {
    await control.ask('DELETE', pathOf(name));
    cli.say(`removed ${name}`);
  }),
};

const password: CommandSpec = {
  name: 'password',
  says: 'set a password, from stdin, or made up and printed; open sessions end',
  args: ['name'],
  run: async (cli, given) => {
    const chosen = await readPassword(cli);
    const change = controlled(async (_cli, control, { args: [name = ''] }) => {
      await control.ask('PATCH', pathOf(name), { password: chosen.text });
      if (chosen.isMade) cli.out(chosen.text);
      cli.say(`changed the password of ${name}${chosen.isMade ? '; the line on stdout is the new one, shown once' : ''}`);
    });
    await change(cli, given);
  },
};

export const USER: GroupSpec = { name: 'user', says: 'people at the console', commands: [add, list, remove, password] };

export const SETUP_CODE: CommandSpec = {
  name: 'setup-code',
  says: 'a one-time code for the set-up page of the running gateway; prints it',
  run: controlled(
    async (cli, control) => {
      const { code } = await control.ask<SetupCode>('POST', '/v1/setup');
      cli.out(code);
      cli.say('the line on stdout opens the set-up page once; codes before it are void');
    },
    {
      running:
        'a set-up code lives in the running gateway only; start it first (or make an admin with: fieldgate user add NAME --role admin)',
    },
  ),
};

function pathOf(name: string): string {
  return `/v1/users/${encodeURIComponent(name)}`;
}
