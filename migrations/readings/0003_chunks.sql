-- Sealed readings: per series, in order of time, compressed (docs/chunk-format.md). Chunks are appended and never changed, so that a round
-- of sealing writes whole pages one after the other; what finds them, and sums them up, is the index: a row for some chunks of a series,
-- their summaries packed in `entries`, rewritten when one of them changes. `edition` is given to one content only.
CREATE TABLE chunks (id INTEGER PRIMARY KEY, content BLOB NOT NULL);

CREATE TABLE chunk_index (
  series INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  -- tells rows of one start apart, in commit order
  number INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  edition INTEGER NOT NULL,
  entries BLOB NOT NULL,
  PRIMARY KEY (series, start_us, number)
) WITHOUT ROWID;

-- Of a round of sealing that is under way: up to where a series is sealed beyond the mark in meta ('sealed').
CREATE TABLE sealing (series INTEGER PRIMARY KEY, position INTEGER NOT NULL);

-- What the rows in `frames` said that went together with the log's: so a recount still adds up.
ALTER TABLE streams ADD COLUMN folded_stored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN folded_quarantined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN folded_readings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN folded_refused INTEGER NOT NULL DEFAULT 0;
