// Shows what stands over the page; its script comes when it is first asked for.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { overlay } from './overlay.ts';
import type { OverlayName } from './overlay.ts';

interface OverlayProps {
  onClose(): void;
}
const LOADERS: Readonly<Record<OverlayName, () => Promise<ComponentType<OverlayProps>>>> = {
  palette: () => import('./palette/palette.tsx').then((module) => module.Palette),
  keys: () => import('./palette/keys-dialog.tsx').then((module) => module.KeysDialog),
  'add-device': () => import('./fleet/add-device-dialog.tsx').then((module) => module.AddDeviceDialog),
};

export function Overlays() {
  const asked = overlay.value;
  const [shown, setShown] = useState<{ name: OverlayName; Overlay: ComponentType<OverlayProps> } | null>(null);
  useEffect(() => {
    if (asked === null) return;
    let isWanted = true;
    LOADERS[asked]().then(
      (Overlay) => {
        if (isWanted) setShown({ name: asked, Overlay });
      },
      () => {
        // not there while the gateway is away: the connection bar tells
        overlay.value = null;
      },
    );
    return () => {
      isWanted = false;
    };
  }, [asked]);
  if (shown === null || shown.name !== asked) return null;
  const close = (): void => {
    if (overlay.value === shown.name) overlay.value = null;
  };
  return <shown.Overlay onClose={close} />;
}
