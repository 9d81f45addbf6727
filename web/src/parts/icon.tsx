// Line icons on a 24 px grid, drawn for this console.
const PATHS = {
  gate: 'M3 20V8l4-3v15M17 20V5l4 3v12M7 9h10M7 14h10M2 20h20',
  fleet:
    'M4.5 4h4A1.5 1.5 0 0110 5.5v4A1.5 1.5 0 018.5 11h-4A1.5 1.5 0 013 9.5v-4A1.5 1.5 0 014.5 4zM15.5 4h4A1.5 1.5 0 0121 5.5v4a1.5 1.5 0 01-1.5 1.5h-4A1.5 1.5 0 0114 9.5v-4A1.5 1.5 0 0115.5 4zM4.5 14h4a1.5 1.5 0 011.5 1.5v3A1.5 1.5 0 018.5 20h-4A1.5 1.5 0 013 18.5v-3A1.5 1.5 0 014.5 14zM15.5 14h4a1.5 1.5 0 011.5 1.5v3a1.5 1.5 0 01-1.5 1.5h-4a1.5 1.5 0 01-1.5-1.5v-3a1.5 1.5 0 011.5-1.5z',
  serial: 'M4 7h16l-2.2 10H6.2zM8.5 11h.1M12 11h.1M15.5 11h.1M10.2 14h.1M13.8 14h.1',
  explore: 'M3.5 4v16.5H21M6.5 15.5l4-5 3.5 3L20 6.5',
  quarantine: 'M12 3l8 4.2v9.6L12 21l-8-4.2V7.2zM4 7.2l8 4.3 8-4.3M12 11.5V21',
  events: 'M6.5 16V10.5a5.5 5.5 0 0111 0V16l1.8 2H4.7zM10 20.5a2.2 2.2 0 004 0',
  settings: 'M4 7h9M17 7h3M15 9a2 2 0 100-4 2 2 0 000 4zM4 17h3M11 17h9M9 19a2 2 0 100-4 2 2 0 000 4z',
  menu: 'M6 12a1 1 0 11-2 0 1 1 0 012 0zM13 12a1 1 0 11-2 0 1 1 0 012 0zM20 12a1 1 0 11-2 0 1 1 0 012 0z',
  clock: 'M20 12a8 8 0 11-16 0 8 8 0 0116 0zM12 7.5V12l3 2',
  keyboard: 'M3 6h18v12H3zM7 10h.1M10.5 10h.1M14 10h.1M17 10h.1M7 14h10',
  wall: 'M3 5h18v11H3zM9 20h6M12 16v4',
  device: 'M7 3.5h10A1.5 1.5 0 0118.5 5v14a1.5 1.5 0 01-1.5 1.5H7A1.5 1.5 0 015.5 19V5A1.5 1.5 0 017 3.5zM9 13.5h1.5l1.2-4 1.6 7 1.2-3H16',
  bench: 'M9 3.5h6M10 3.5v6L4.8 18.2A1.2 1.2 0 005.8 20h12.4a1.2 1.2 0 001-1.8L14 9.5v-6M7.5 15h9',
  docs: 'M6 3h9l4 4v14H6zM14.5 3v4.5H19M9.5 12.5l-2 2 2 2M14.5 12.5l2 2-2 2',
  search: 'M17 11a6 6 0 11-12 0 6 6 0 0112 0zM15.5 15.5L20 20',
  plus: 'M12 5v14M5 12h14',
  moon: 'M20 14A8 8 0 1110 4a6.5 6.5 0 0010 10z',
  sun: 'M16 12a4 4 0 11-8 0 4 4 0 018 0zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4',
  auto: 'M20 12a8 8 0 11-16 0 8 8 0 0116 0zM12 4v16M12 8l5 0M12 12h8M12 16h5',
  out: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  key: 'M12 15.5a4 4 0 11-8 0 4 4 0 018 0zM11 12.5L20 4M16 8l3 3',
  edit: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15l12-7.5z',
  trash: 'M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5',
  warn: 'M12 4L2.5 20h19zM12 10v4.5M12 17.4v.1',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  more: 'M6 9.5l6 6 6-6',
  less: 'M6 14.5l6-6 6 6',
  link: 'M5 5h6M5 5v14h14v-6M14 5h5v5M19 5l-9 9',
  left: 'M14.5 6l-6 6 6 6',
  right: 'M9.5 6l6 6-6 6',
  zoomIn: 'M17 11a6 6 0 11-12 0 6 6 0 0112 0zM15.5 15.5L20 20M11 8.5v5M8.5 11h5',
  zoomOut: 'M17 11a6 6 0 11-12 0 6 6 0 0112 0zM15.5 15.5L20 20M8.5 11h5',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9',
  chart: 'M4 4v16h16M7 15l4-5 3 3 5-7',
  download: 'M12 4v11M7 10.5l5 5 5-5M5 20h14',
  eye: 'M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM14.5 12a2.5 2.5 0 11-5 0 2.5 2.5 0 015 0z',
  eyeOff: 'M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6zM5 19L19 5',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.7"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
