-- Windows after a deploy, from their start on: what was compared, what is said of it so far, what came of it.
CREATE TABLE watch (
    id TEXT PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX watch_opened ON watch (opened_at);
