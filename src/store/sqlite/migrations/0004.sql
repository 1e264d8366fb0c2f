-- What this state is and how far it has come, so that an older copy is known to be one. One row.

CREATE TABLE store (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    -- The same in every copy.
    id           TEXT NOT NULL,
    commits      INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    -- How the state was last lost, as JSON; null: never.
    loss         TEXT
) STRICT;

INSERT INTO store (one, id, commits, committed_at)
    VALUES (1, lower(hex(randomblob(16))), 0, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
