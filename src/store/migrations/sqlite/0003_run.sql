-- What was told of runs of procedures, line by line, as the file of each has it. Told twice, a line is there once.
CREATE TABLE run_line (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    happened_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT;
CREATE INDEX run_line_kind ON run_line (kind, happened_at);
