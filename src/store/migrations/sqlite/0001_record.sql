-- Only INTEGER (64 bit) and TEXT: the same shape fits MySQL and PostgreSQL. Times are milliseconds since the epoch, UTC.
CREATE TABLE incident (
    id TEXT NOT NULL PRIMARY KEY,
    year INTEGER NOT NULL,
    number INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    going_on INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (year, number)
) STRICT;
CREATE INDEX incident_opened ON incident (going_on, opened_at);
-- Entries are only ever added.
CREATE TABLE entry (
    incident TEXT NOT NULL REFERENCES incident (id),
    seq INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    happened_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    who TEXT NOT NULL,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (incident, seq)
) STRICT;
CREATE INDEX entry_happened ON entry (incident, happened_at, seq);
CREATE TABLE deploy (
    id TEXT NOT NULL PRIMARY KEY,
    happened_at INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX deploy_happened ON deploy (happened_at);
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
