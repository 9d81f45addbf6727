// All commands, in the order of the help.

import { BACKUP } from './backup.ts';
import { BRIDGE } from './bridge.ts';
import type { CommandSpec, GroupSpec } from './cli.ts';
import { COMPACT } from './compact.ts';
import { CONFIG } from './config.ts';
import { DEMO } from './demo.ts';
import { DEVICE } from './device.ts';
import { ENROL } from './enrol.ts';
import { EXPORT } from './export.ts';
import { IMPORT } from './import.ts';
import { KEY } from './key.ts';
import { RESTORE } from './restore.ts';
import { SERIAL } from './serial.ts';
import { START } from './start.ts';
import { SETUP_CODE, USER } from './user.ts';
import { VERIFY } from './verify.ts';

export const COMMANDS: readonly (CommandSpec | GroupSpec)[] = [
  START,
  DEMO,
  DEVICE,
  KEY,
  ENROL,
  USER,
  SETUP_CODE,
  SERIAL,
  BRIDGE,
  EXPORT,
  IMPORT,
  BACKUP,
  RESTORE,
  VERIFY,
  COMPACT,
  CONFIG,
];
