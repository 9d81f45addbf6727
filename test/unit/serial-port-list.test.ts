// What `serial ports` finds, in folders that look like /dev and /sys.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { listPorts } from '../../gateway/transports/serial/port-list.ts';

test('attached ports are listed by the name that stays, with what is on the cable; ports that nobody built in are not', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fieldgate-sys-'));
  try {
    const file = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const link = (path: string, target: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      symlinkSync(target, join(root, path));
    };
    file('sys/usb1/1-1/manufacturer', 'FTDI\n');
    file('sys/usb1/1-1/product', 'FT232R USB UART\n');
    file('sys/usb1/1-1/serial', 'A50285BI\n');
    file('sys/usb1/1-1/1-1:1.0/ttyUSB0/port_number', '0\n');
    link('sys/class/tty/ttyUSB0/device', '../../../usb1/1-1/1-1:1.0/ttyUSB0');
    file('sys/board/uart0/name', 'uart\n');
    for (const [tty, type] of [
      ['ttyS0', '4'],
      ['ttyS1', '0'],
    ]) {
      file(`sys/class/tty/${tty}/type`, `${type}\n`);
      link(`sys/class/tty/${tty}/device`, '../../../board/uart0');
    }
    file('sys/class/tty/console/dev', '5:1\n');
    const id = join(root, 'dev/serial/by-id/usb-FTDI_FT232R-if00');
    link('dev/serial/by-id/usb-FTDI_FT232R-if00', '../../ttyUSB0');

    expect(await listPorts({ dev: join(root, 'dev'), sys: join(root, 'sys') })).toEqual(
      [
        { name: join(root, 'dev/ttyUSB0'), path: id, manufacturer: 'FTDI', product: 'FT232R USB UART', serialNumber: 'A50285BI' },
        { name: join(root, 'dev/ttyS0'), path: join(root, 'dev/ttyS0'), manufacturer: '', product: '', serialNumber: '' },
      ].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
    expect(await listPorts({ dev: join(root, 'none'), sys: join(root, 'none') })).toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
