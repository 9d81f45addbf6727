-- Quarantine within bounds and fit for replay: what a row takes and how its raw bytes are written, what its record leaned on, lists by
-- device and code without a scan, and for each stream how many rows are gone, so that a recount still adds up.
ALTER TABLE quarantine ADD COLUMN encoding TEXT NOT NULL DEFAULT 'utf8';
ALTER TABLE quarantine ADD COLUMN base TEXT NOT NULL DEFAULT '';
ALTER TABLE quarantine ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE quarantine SET bytes = 128 + length(CAST(raw AS BLOB));
-- everything that bounding and recounting ask for, without a look at the rows
CREATE INDEX quarantine_of_device ON quarantine(device, id, stream, seq, bytes);
CREATE INDEX quarantine_of_code ON quarantine(code);

ALTER TABLE streams ADD COLUMN evicted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0;

CREATE INDEX events_of_device ON events(device);
