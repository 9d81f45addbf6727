// Roles by what they may: each may what those below it may.

import type { Role } from '../storage/registry.ts';

export const RANK = { viewer: 0, operator: 1, admin: 2 } as const satisfies Readonly<Record<Role, number>>;
