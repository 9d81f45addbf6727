// A restore as a process of its own, to be looked at step by step: BACKUP, DATA DIRECTORY.

import { restoreBackup } from '../../gateway/restore.ts';

restoreBackup(process.argv[2]!, process.argv[3]!, { isTrusted: false, progress: () => undefined });
