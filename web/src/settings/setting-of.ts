// One key of the configuration, out of all of them.
import type { SettingsView, SettingView } from '../../../gateway/protocol/rest.ts';

export function settingOf({ settings }: SettingsView, key: string): SettingView {
  const found = settings.find((setting) => setting.key === key);
  if (found === undefined) throw new Error(`the gateway has no setting ${key}`);
  return found;
}
