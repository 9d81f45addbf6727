// `npm run check`: every check, one line each, then what they found. Exit code 1 when any of them found something.

import { join } from 'node:path';
import { runChecks } from './run-checks.ts';

const { failed } = await runChecks(join(import.meta.dirname, '../..'), (line) => console.log(line));
process.exitCode = failed > 0 ? 1 : 0;
