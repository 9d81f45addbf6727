-- Serial ports that were added while the gateway ran; those of the configuration file stay there.
CREATE TABLE serial_ports (
  id TEXT PRIMARY KEY,
  settings TEXT NOT NULL,
  created_at_ms REAL NOT NULL
) STRICT;
