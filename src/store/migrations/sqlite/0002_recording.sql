-- What was seen, as it came. A chunk is a span of events, packed; the newest ones are small, and are put together later.
CREATE TABLE recording (
    id TEXT NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    head TEXT NOT NULL
) STRICT;
CREATE TABLE chunk (
    recording TEXT NOT NULL REFERENCES recording (id),
    first INTEGER NOT NULL,
    events INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (recording, first)
) STRICT;
CREATE INDEX chunk_to_at ON chunk (to_at, size);
