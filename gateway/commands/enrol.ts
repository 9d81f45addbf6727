// fieldgate enrol …: keys with which devices fetch their own tokens, and pairing for devices that have none.

import type { EnrolmentView, IssuedEnrolment, PairingRequestView, PairingView } from '../protocol/rest.ts';
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

/** Pairing is in the gateway's memory: where none runs there is nothing to open. */
const RUNNING = { running: 'start it; it alone hears the devices that ask' };

const open: CommandSpec = {
  name: 'open',
  says: 'let devices without a key ask for a token for some minutes; again: for longer',
  run: controlled(async (cli, control) => {
    const { openUntil } = await control.ask<PairingView>('POST', '/v1/pairing');
    cli.say(`devices may ask for a token until ${openUntil ?? 'now'}; who does: fieldgate enrol pending`);
  }, RUNNING),
};

const pending: CommandSpec = {
  name: 'pending',
  says: 'devices that ask for a token',
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { options }) => {
    const { openUntil, items } = await control.ask<PairingView>('GET', '/v1/pairing');
    printList<PairingRequestView>(cli, {
      rows: items,
      json: options.json,
      empty:
        openUntil === null
          ? 'pairing is closed; open it with: fieldgate enrol open'
          : `nobody has asked; pairing is open until ${openUntil}`,
      columns: [
        { title: 'ID', cell: (row) => row.id },
        { title: 'DEVICE', cell: (row) => row.device },
        { title: 'ADDRESS', cell: (row) => row.address },
        { title: 'STATE', cell: (row) => row.state },
        { title: 'ASKED', cell: (row) => row.askedAt },
      ],
    });
  }, RUNNING),
};

const approve: CommandSpec = {
  name: 'approve',
  says: 'make the device that asks under this id, and give it its token; compare the id with what the device shows',
  args: ['id'],
  run: controlled(async (cli, control, { args: [id = ''] }) => {
    const { device, address } = await control.ask<PairingRequestView>('POST', `/v1/pairing/${encodeURIComponent(id)}/approve`);
    cli.say(`approved ${device} at ${address}; it fetches its token by itself`);
  }, RUNNING),
};

const refuse: CommandSpec = {
  name: 'refuse',
  says: 'refuse the device that asks under this id',
  args: ['id'],
  run: controlled(async (cli, control, { args: [id = ''] }) => {
    await control.ask('DELETE', `/v1/pairing/${encodeURIComponent(id)}`);
    cli.say(`refused ${id}`);
  }, RUNNING),
};

const close: CommandSpec = {
  name: 'close',
  says: 'end pairing; who waits for an answer waits no more',
  run: controlled(async (cli, control) => {
    await control.ask('DELETE', '/v1/pairing');
    cli.say('pairing is closed');
  }, RUNNING),
};

export const ENROL: GroupSpec = {
  name: 'enrol',
  says: 'keys with which devices fetch their own tokens; pairing, for devices that have none',
  commands: [add, list, revoke, open, pending, approve, refuse, close],
};
