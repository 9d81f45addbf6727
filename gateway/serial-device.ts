// The device of a serial port: like any other, except that it needs no token.

import type { Identity, Refusal } from './identity/identity.ts';
import type { Log } from './observe.ts';
import type { SerialPortSettings } from './transports/serial/port-settings.ts';

/** Makes it when there is none, and lets it expect what its port does, where nobody has said how often it should send. null: it is there. */
export type PrepareDevice = (port: SerialPortSettings, actor: string) => Promise<Refusal | null>;

export function createDevicePreparer({ devices }: Identity, log: Log): PrepareDevice {
  return async ({ device, expectEverySeconds }, actor) => {
    if (devices.get(device) === undefined) {
      const made = await devices.create({ id: device }, actor);
      if ('refused' in made) return made;
      // its first token was shown to nobody
      const revoked = await devices.revoke(device, null, actor);
      if (typeof revoked !== 'number') log.warn({ device, ...revoked }, 'The first token of a serial device was not revoked for good');
    }
    const expects = devices.get(device)?.expectEverySeconds ?? null;
    if (expects !== null || expectEverySeconds === null) return null;
    const updated = await devices.update(device, { expectEverySeconds }, actor);
    return 'refused' in updated ? updated : null;
  };
}
