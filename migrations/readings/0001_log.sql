-- The log in commit order and the books beside it: everything one append commits. No secondary index: appends touch one page each.
CREATE TABLE meta (key TEXT PRIMARY KEY, content) WITHOUT ROWID;

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  metric TEXT NOT NULL,
  unit TEXT NOT NULL,
  -- what the catalogue knew when it was last written down: everything up to position `counted_to`
  readings INTEGER NOT NULL DEFAULT 0,
  first_us INTEGER,
  last_us INTEGER,
  latest_us INTEGER,
  latest_rank_us INTEGER,
  latest_value,
  clock_suspect INTEGER NOT NULL DEFAULT 0,
  counted_to INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  stream TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  last_used_us INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0,
  acked INTEGER NOT NULL DEFAULT 0,
  body_hash TEXT NOT NULL DEFAULT '',
  frames_stored INTEGER NOT NULL DEFAULT 0,
  frames_quarantined INTEGER NOT NULL DEFAULT 0,
  frames_gap INTEGER NOT NULL DEFAULT 0,
  readings INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0
);

-- A value keeps its kind by its storage class: REAL a number, INTEGER a boolean, TEXT a string. No affinity, so nothing is coerced.
CREATE TABLE log (
  position INTEGER PRIMARY KEY,
  series INTEGER NOT NULL,
  time_us INTEGER NOT NULL,
  value
);

-- Frames in runs: `first_seq`…`last_seq` of one stream, committed together, their readings at `first_position` and the ones after it.
-- `counts` has the readings of each frame as LEB128 where they are not all `readings / frames`; a frame with none was quarantined.
CREATE TABLE frames (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  received_us INTEGER NOT NULL,
  counts BLOB
);

-- `seq` 0: the frame could not be read and settled nothing. `record` -1: the whole frame.
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  device TEXT NOT NULL,
  stream INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  record INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  raw TEXT NOT NULL,
  received_us INTEGER NOT NULL,
  replayed_us INTEGER
);

CREATE TABLE gaps (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  reason TEXT NOT NULL,
  declared_us INTEGER NOT NULL
);

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us INTEGER NOT NULL,
  device TEXT NOT NULL,
  type TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
);

-- What `sqlite3` shows of the newest readings, with names.
CREATE VIEW recent AS
  SELECT l.position, strftime('%Y-%m-%dT%H:%M:%f', l.time_us / 1000000.0, 'unixepoch') || 'Z' AS time, s.device, s.metric, s.unit, l.value
  FROM log l JOIN series s ON s.id = l.series
  ORDER BY l.position DESC;
