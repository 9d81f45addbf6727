// How many tiles of which size fill a wall: as large as they may be, never wider than a value needs, and pages of them where there are
// more than fit.

export interface Box {
  readonly width: number;
  readonly height: number;
}
export interface TileGrid {
  readonly columns: number;
  readonly rows: number;
}

/** In the wall's own rem, so that type that grows with the wall has room. */
const LEAST = { width: 15, height: 8 };
const WIDEST = 1.9;

export function tileGrid(count: number, box: Box, remPx: number): TileGrid {
  const most = {
    columns: Math.max(1, Math.floor(box.width / (LEAST.width * remPx))),
    rows: Math.max(1, Math.floor(box.height / (LEAST.height * remPx))),
  };
  let best: TileGrid = most;
  let bestHeight = 0;
  for (let columns = 1; columns <= most.columns; columns++) {
    const rows = Math.ceil(count / columns);
    if (rows > most.rows) continue;
    // what is wider than its shape allows is no larger for it
    const height = Math.min(box.height / rows, box.width / columns / WIDEST);
    if (height > bestHeight) {
      bestHeight = height;
      best = { columns, rows };
    }
  }
  return best;
}
