-- How receivers take messages, and since when what is owed is tried.

CREATE TABLE receiver (
    name          TEXT PRIMARY KEY,
    -- The first failure since it last took something.
    failing_since INTEGER,
    -- It takes nothing: only now and then one message is tried.
    broken_at     INTEGER,
    -- It is not tried before.
    not_before    INTEGER,
    last_error    TEXT NOT NULL DEFAULT ''
) STRICT;

-- Null: it is in no message. A message that is put together anew does not make what it tells younger.
ALTER TABLE notification ADD COLUMN tried_since INTEGER;

UPDATE notification SET tried_since = (SELECT m.created_at FROM message m WHERE m.id = notification.message)
    WHERE message IS NOT NULL;
