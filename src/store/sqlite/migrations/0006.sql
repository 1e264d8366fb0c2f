-- The rules that were last in use: files that vanish are no order. One row.

CREATE TABLE rules (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    -- A JSON object.
    memory TEXT NOT NULL
) STRICT;
