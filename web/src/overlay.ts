// What stands over the page, one at a time: the palette, the list of keys, the dialog that adds a device.
import { signal } from '@preact/signals';

export type OverlayName = 'palette' | 'keys' | 'add-device';
export const overlay = signal<OverlayName | null>(null);
