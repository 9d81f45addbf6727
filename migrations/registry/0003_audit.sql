-- Who did what is only ever added to, so that whoever gets at the rows cannot rewrite what was done; and each row says from where. What is
-- older than 90 days, or beyond a million rows, may go: the same bounds as in the gateway's own sweep.
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';

CREATE TRIGGER audit_stays_as_written BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit rows are never changed');
END;

CREATE TRIGGER audit_keeps_its_rows BEFORE DELETE ON audit
WHEN OLD.id > (SELECT MAX(id) FROM audit) - 1000000
  AND OLD.at_ms >= (SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1) - 90 * 86400000.0
BEGIN
  SELECT RAISE(ABORT, 'audit rows go by age and number alone');
END;

-- INSERT OR REPLACE would take a row away without any trigger for deletions.
CREATE TRIGGER audit_is_appended BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'audit rows are never replaced');
END;
