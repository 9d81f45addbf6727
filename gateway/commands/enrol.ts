// fieldgate enrol …: keys with which devices fetch their own tokens.

import type { EnrolmentView, IssuedEnrolment } from '../protocol/rest.ts';
import { type CommandSpec, controlled, duration, type GroupSpec, JSON_OPTION, wholeBetween } from './cli.ts';
import { printList } from './output.ts';

const DEFAULT_MAX = 1000;
const DEFAULT_SECONDS = 86_400;

const add: CommandSpec = {
  name: 'add',
  says: 'add an enrolment key; prints it',
  options: [
    { flags: '--max <n>', says: `how many devices it may enrol (${DEFAULT_MAX})`, read: wholeBetween(1, 1_000_000) },
    { flags: '--expires <duration>', says: 'how long it is good for (24h)', read: duration },
    { flags: '--reenrol', says: 'devices that it enrolled may come again; their older token ends' },
  ],
  run: controlled<{ max?: number; expires?: number; reenrol?: boolean }>(
    async (cli, control, { options }) => {
      const { max = DEFAULT_MAX, expires = DEFAULT_SECONDS, reenrol = false } = options;
      const issued = await control.ask<IssuedEnrolment>('POST', '/v1/enrolments', { max, expiresSeconds: expires, reenrol });
      cli.out(issued.key);
      cli.say(
        `added enrolment key ${issued.id} for ${issued.max} devices until ${issued.expiresAt}; the line on stdout is the key, shown once`,
      );
    },
    { mayCreate: true },
  ),
};

const list: CommandSpec = {
  name: 'list',
  says: 'all enrolment keys',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    printList(cli, {
      rows: await control.list<EnrolmentView>('/v1/enrolments'),
      json: options.json,
      empty: 'no enrolment keys; add one with: fieldgate enrol add',
      columns: [
        { title: 'ID', cell: (row) => row.id },
        { title: 'USED', cell: (row) => `${row.used}/${row.max}` },
        { title: 'REENROL', cell: (row) => row.reenrol },
        { title: 'CREATED', cell: (row) => row.createdAt },
        { title: 'EXPIRES', cell: (row) => row.expiresAt },
      ],
    });
  }),
};

const revoke: CommandSpec = {
  name: 'revoke',
  says: 'end an enrolment key, by its id; devices that it enrolled stay',
  args: ['id'],
  run: controlled(async (cli, control, { args: [id = ''] }) => {
    await control.ask('DELETE', `/v1/enrolments/${encodeURIComponent(id)}`);
    cli.say(`revoked enrolment key ${id}`);
  }),
};

export const ENROL: GroupSpec = { name: 'enrol', says: 'keys with which devices fetch their own tokens', commands: [add, list, revoke] };
