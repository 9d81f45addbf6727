// fieldgate device …: devices and their tokens.

import type { DeviceCreated, DevicePatch, DeviceView, IssuedToken } from '../protocol/rest.ts';
import {
  type Cli,
  type CommandSpec,
  controlled,
  duration,
  type GroupSpec,
  JSON_OPTION,
  type OptionSpec,
  usage,
  wholeBetween,
} from './cli.ts';
import type { Control } from './control.ts';
import { printFacts, printList } from './output.ts';

const KEEP_IT = 'It is shown once; the gateway keeps only its hash.';
const LABEL: OptionSpec = { flags: '--label <text>', says: 'its name for people' };

const add: CommandSpec = {
  name: 'add',
  says: 'add a device; prints its token',
  args: ['id'],
  options: [LABEL, { flags: '--tag <tag>', says: 'a tag; may be repeated', isList: true }],
  run: controlled<{ label?: string; tag?: readonly string[] }>(
    async (cli, control, { args: [id], options }) => {
      const created = await control.ask<DeviceCreated>('POST', '/v1/devices', { id, label: options.label, tags: options.tag });
      cli.out(created.token);
      cli.say(`added ${created.id}; the line on stdout is its token. ${KEEP_IT}`);
    },
    { mayCreate: true },
  ),
};

const list: CommandSpec = {
  name: 'list',
  says: 'all devices, or those that match',
  options: [
    { flags: '--q <text>', says: 'in id or label' },
    { flags: '--tag <tag>', says: 'with this tag; may be repeated', isList: true },
    {
      flags: '--status <status>',
      says: 'as it counts now, or active for all that are not suspended',
      choices: ['active', 'suspended', 'live', 'late', 'silent', 'asleep', 'offline'],
    },
    JSON_OPTION,
  ],
  run: controlled<{ tag?: readonly string[]; status?: string; q?: string; json?: boolean }>(async (cli, control, { options }) => {
    const query = new URLSearchParams({ limit: '1000' });
    if (options.q !== undefined) query.set('q', options.q);
    if (options.status !== undefined) query.set('status', options.status);
    for (const tag of options.tag ?? []) query.append('tag', tag);
    const rows = await control.list<DeviceView>(`/v1/devices?${query.toString()}`);
    printList(cli, {
      rows,
      json: options.json,
      empty: 'no devices; add one with: fieldgate device add ID',
      columns: [
        { title: 'ID', cell: (row) => row.id },
        { title: 'LABEL', cell: (row) => row.label },
        { title: 'STATUS', cell: (row) => row.status },
        { title: 'ONLINE', cell: (row) => row.online },
        { title: 'STATE', cell: (row) => row.state },
        { title: 'LAST SEEN', cell: (row) => row.lastSeenAt },
        { title: 'TAGS', cell: (row) => row.tags.join(',') },
      ],
    });
  }),
};

const showOne: CommandSpec = {
  name: 'show',
  says: 'one device, its tokens and latest values',
  args: ['id'],
  options: [JSON_OPTION],
  run: controlled<{ json?: boolean }>(async (cli, control, { args: [id], options }) => {
    const view = await control.ask<DeviceView>('GET', pathOf(id));
    if (options.json === true) cli.out(JSON.stringify(view, null, 2));
    else show(cli, view);
  }),
};

const set: CommandSpec = {
  name: 'set',
  says: 'change what is known about a device',
  args: ['id'],
  options: [
    LABEL,
    { flags: '--location <text>', says: 'where it is' },
    { flags: '--notes <text>', says: 'anything' },
    { flags: '--tag <tag>', says: 'its tags from now on; may be repeated, "" for none', isList: true },
    { flags: '--expect-every <duration>', says: 'how often it should send, such as 5m; off for never mind', read: offOr(duration) },
    { flags: '--clock <clock>', says: 'whose clock stamps its readings', choices: ['device', 'gateway'] },
    { flags: '--ping <seconds>', says: 'its ping interval; off for the default', read: offOr(wholeBetween(1, 300)) },
    { flags: '--may-sleep <yes|no>', says: 'whether it leaves and comes back by itself, as on a battery', choices: ['yes', 'no'] },
  ],
  run: controlled<SetOptions>(async (cli, control, { args: [id], options }) => {
    const patch: DevicePatch = {
      ...(options.label === undefined ? {} : { label: options.label }),
      ...(options.location === undefined ? {} : { location: options.location }),
      ...(options.notes === undefined ? {} : { notes: options.notes }),
      ...(options.tag === undefined ? {} : { tags: options.tag.filter((tag) => tag !== '') }),
      ...(options.expectEvery === undefined ? {} : { expectEverySeconds: options.expectEvery === 'off' ? null : options.expectEvery }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.ping === undefined ? {} : { pingSeconds: options.ping === 'off' ? null : options.ping }),
      ...(options.maySleep === undefined ? {} : { maySleep: options.maySleep === 'yes' }),
    };
    if (Object.keys(patch).length === 0) throw usage('nothing to set: say for instance --label "Pump 1" (see --help)');
    await control.ask('PATCH', pathOf(id), patch);
    cli.say(`changed ${id}`);
  }),
};

const rotate: CommandSpec = {
  name: 'rotate',
  says: 'a new token; prints it',
  args: ['id'],
  options: [
    { flags: '--overlap <duration>', says: 'how long the older tokens still work, such as 1h; else they end at once', read: duration },
  ],
  run: controlled<{ overlap?: number }>(async (cli, control, { args: [id], options: { overlap = 0 } }) => {
    const issued = await control.ask<IssuedToken>('POST', `${pathOf(id)}/tokens`, { overlapSeconds: overlap });
    cli.out(issued.token);
    cli.say(`a new token for ${id}; the older ones ${overlap === 0 ? 'ended' : `end in ${overlap} s`}. ${KEEP_IT}`);
  }),
};

const revoke: CommandSpec = {
  name: 'revoke',
  says: 'end all tokens of a device, or one; returns when open sockets were told',
  args: ['id'],
  options: [{ flags: '--token <token-id>', says: 'one token, by its id (never the secret; device show lists the ids)' }],
  run: controlled<{ token?: string }>(async (cli, control, { args: [id], options }) => {
    await control.ask(
      'DELETE',
      options.token === undefined ? `${pathOf(id)}/tokens` : `${pathOf(id)}/tokens/${encodeURIComponent(options.token)}`,
    );
    cli.say(options.token === undefined ? `revoked all tokens of ${id}` : `revoked token ${options.token} of ${id}`);
  }),
};

const remove: CommandSpec = {
  name: 'remove',
  says: 'remove a device and its tokens; its readings stay, unless --purge',
  args: ['id'],
  options: [{ flags: '--purge', says: 'delete its readings and refused records too; also of a device removed before' }],
  run: controlled<{ purge?: boolean }>(async (cli, control, { args: [id], options }) => {
    await control.ask('DELETE', options.purge === true ? `${pathOf(id)}?purge=true` : pathOf(id));
    cli.say(options.purge === true ? `removed ${id} and everything that it stored` : `removed ${id}; its readings stay`);
  }),
};

/** Takes an id, says one sentence. */
function simple(name: string, says: string, act: (control: Control, id: string) => Promise<string>): CommandSpec {
  return { name, says, args: ['id'], run: controlled(async (cli, control, { args: [id = ''] }) => cli.say(await act(control, id))) };
}

export const DEVICE: GroupSpec = {
  name: 'device',
  says: 'devices and their tokens',
  commands: [
    add,
    list,
    showOne,
    set,
    simple('suspend', 'refuse a device until it is resumed', async (control, id) => {
      await control.ask('PATCH', pathOf(id), { status: 'suspended' });
      return `suspended ${id}; its open socket was closed`;
    }),
    simple('resume', 'let a suspended device in again', async (control, id) => {
      await control.ask('PATCH', pathOf(id), { status: 'active' });
      return `resumed ${id}`;
    }),
    remove,
    rotate,
    revoke,
  ],
};

function pathOf(id: string | undefined): string {
  return `/v1/devices/${encodeURIComponent(id ?? '')}`;
}

interface SetOptions {
  readonly label?: string;
  readonly location?: string;
  readonly notes?: string;
  readonly tag?: readonly string[];
  readonly expectEvery?: number | 'off';
  readonly clock?: 'device' | 'gateway';
  readonly ping?: number | 'off';
  readonly maySleep?: 'yes' | 'no';
}

function offOr(read: (text: string) => number): (text: string) => number | 'off' {
  return (text) => {
    const value = text === 'off' ? 'off' : read(text);
    if (value === 0) throw usage('it must be more than 0, or off.');
    return value;
  };
}

function show(cli: Cli, view: DeviceView): void {
  printFacts(cli, [
    ['id', view.id],
    ['label', view.label],
    ['status', view.status],
    ['state', view.state],
    ['online', view.online],
    ['last seen', view.lastSeenAt],
    ['created', view.createdAt],
    ['tags', view.tags.join(', ')],
    ['location', view.location],
    ['notes', view.notes],
    ['expected every', view.expectEverySeconds === null ? null : `${view.expectEverySeconds} s`],
    ['seen every', view.seenEveryMs === null ? null : `${Math.round(view.seenEveryMs) / 1000} s`],
    ['last reading', view.lastReadingAt],
    ['clock', view.clock],
    ['may sleep', view.maySleep],
    ['ping', view.pingSeconds === null ? null : `${view.pingSeconds} s`],
    ['address', view.connection?.address],
    ['software', view.connection?.software],
  ]);
  const tokens = view.tokens ?? [];
  if (tokens.length > 0) {
    cli.out('');
    printList(cli, {
      rows: tokens,
      json: false,
      empty: '',
      columns: [
        { title: 'TOKEN ID', cell: (token) => token.id },
        { title: 'CREATED', cell: (token) => token.createdAt },
        { title: 'EXPIRES', cell: (token) => token.expiresAt ?? 'never' },
      ],
    });
  }
  const latest = Object.entries(view.latest);
  if (latest.length === 0) return;
  cli.out('');
  printList(cli, {
    rows: latest,
    json: false,
    empty: '',
    columns: [
      { title: 'METRIC', cell: ([metric]) => metric },
      { title: 'VALUE', cell: ([, [, value]]) => String(value) },
      { title: 'UNIT', cell: ([, [, , unit]]) => unit },
      { title: 'TIME', cell: ([, [timeMs]]) => isoTime(timeMs) },
    ],
  });
}

/** Devices may send any time that fits 2^53 µs; not all of it is a date. */
function isoTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}
