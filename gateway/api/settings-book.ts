// What the API asks of the settings: what is in force, and what the console changes of it. An interface only.

import type { Refusal } from '../identity/identity.ts';
import type { RetentionForecast, SettingView } from '../protocol/rest.ts';

/** Why settings were not taken, with the place of each fault as a JSON pointer. */
export interface SettingsRefusal extends Refusal {
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}
export interface SettingsBook {
  view(): { readonly settings: readonly SettingView[]; readonly file: string | null };
  /** All of it or nothing. Resolves when it is on disk and in force. */
  change(raw: unknown, actor: string): Promise<true | SettingsRefusal>;
  /** What `change` would let go. Nothing is changed. */
  tryOut(raw: unknown): Promise<{ readonly retention: readonly RetentionForecast[] } | SettingsRefusal>;
}
