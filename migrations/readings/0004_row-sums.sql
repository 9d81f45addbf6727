-- A row of the chunk index with the sums of all its chunks, so that a chart over many years need not unpack every row. They stand before
-- `entries`, which lie on pages of their own: a reader of the sums never fetches those. Rows of before get theirs in the background
-- ('unsummed' in meta says so); until then `sums` is null and the entries are what is looked at.
CREATE TABLE chunk_index_with_sums (
  series INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  -- tells rows of one start apart, in commit order
  number INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  readings INTEGER NOT NULL,
  edition INTEGER NOT NULL,
  sums BLOB,
  entries BLOB NOT NULL,
  PRIMARY KEY (series, start_us, number)
) WITHOUT ROWID;
INSERT INTO chunk_index_with_sums
  SELECT series, start_us, number, end_us, readings, edition, NULL, entries FROM chunk_index ORDER BY series, start_us, number;
DROP TABLE chunk_index;
ALTER TABLE chunk_index_with_sums RENAME TO chunk_index;
INSERT INTO meta(key, content) SELECT 'unsummed', 1 WHERE EXISTS (SELECT 1 FROM chunk_index);
