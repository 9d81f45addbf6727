-- Who may come in, what the console has set, and who did what: small rows that identity keeps in memory and this file keeps for good.
CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
  created_at_ms REAL NOT NULL,
  tags TEXT NOT NULL,
  location TEXT NOT NULL,
  notes TEXT NOT NULL,
  expect_every_seconds REAL,
  clock TEXT NOT NULL CHECK (clock IN ('device', 'gateway')),
  ping_seconds REAL
) STRICT;

-- Secrets are here as SHA-256 only; a password is argon2id.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  device TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  created_at_ms REAL NOT NULL,
  expires_at_ms REAL,
  enrolment TEXT NOT NULL
) STRICT;

CREATE TABLE users (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  password_hash TEXT NOT NULL,
  created_at_ms REAL NOT NULL
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  hash TEXT NOT NULL UNIQUE,
  created_at_ms REAL NOT NULL
) STRICT;

CREATE TABLE enrolments (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  max INTEGER NOT NULL,
  used INTEGER NOT NULL,
  reenrol INTEGER NOT NULL,
  created_at_ms REAL NOT NULL,
  expires_at_ms REAL NOT NULL
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'key')),
  subject TEXT NOT NULL,
  created_at_ms REAL NOT NULL,
  last_used_at_ms REAL NOT NULL
) STRICT;

CREATE TABLE settings (
  id TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms REAL NOT NULL,
  actor TEXT NOT NULL,
  act TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
