// The pages that the console leads to, in their order: for the rail, the palette and the keys. What the role may not open is left out.
import type { Role } from '../../gateway/protocol/rest.ts';
import type { IconName } from './parts/icon.tsx';
import { may } from './session.ts';

export type PlaceName = 'fleet' | 'explore' | 'serial' | 'quarantine' | 'events' | 'settings';
export interface Place {
  readonly name: PlaceName;
  readonly href: string;
  readonly icon: IconName;
  /** The letter after `g` that goes there. */
  readonly key: string;
  readonly role: Role;
  /** On a phone it has its place in the bar below; the others wait behind “More”. */
  readonly isMain: boolean;
}

const PLACES: readonly Place[] = [
  { name: 'fleet', href: '/', icon: 'fleet', key: 'f', role: 'viewer', isMain: true },
  { name: 'explore', href: '/explore', icon: 'explore', key: 'e', role: 'viewer', isMain: true },
  { name: 'serial', href: '/serial', icon: 'serial', key: 's', role: 'viewer', isMain: true },
  { name: 'quarantine', href: '/quarantine', icon: 'quarantine', key: 'q', role: 'operator', isMain: false },
  { name: 'events', href: '/events', icon: 'events', key: 'v', role: 'viewer', isMain: true },
  { name: 'settings', href: '/settings', icon: 'settings', key: ',', role: 'admin', isMain: false },
];

export const openPlaces = (): readonly Place[] => PLACES.filter((place) => may(place.role));

/** A device's page belongs to the fleet. */
export const isAtPlace = (place: Place, path: string): boolean =>
  path === place.href || (place.name === 'fleet' && path.startsWith('/devices/'));

/** The page at this address, when the role of who is signed in is too low for it. */
export const refusingPlace = (path: string): Place | undefined => PLACES.find((place) => place.href === path && !may(place.role));
