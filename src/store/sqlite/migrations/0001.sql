-- Times are microseconds since 1970. Contacts are JSON under the API's names.

CREATE TABLE inbox (
    name     TEXT PRIMARY KEY,
    memory   TEXT NOT NULL DEFAULT '{}',
    -- Times of the requests of the last minute, as a JSON list.
    requests TEXT NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE alert (
    id           TEXT PRIMARY KEY,
    inbox        TEXT NOT NULL,
    rule         TEXT NOT NULL,
    contact_id   TEXT NOT NULL,
    contact      TEXT NOT NULL,
    since        INTEGER NOT NULL,
    fired_at     INTEGER NOT NULL,
    resolved_at  INTEGER,
    ended_at     INTEGER,
    reason       TEXT,
    missed_walks INTEGER NOT NULL,
    condition    TEXT NOT NULL
) STRICT;

-- One alert per customer, rule and episode.
CREATE UNIQUE INDEX alert_firing ON alert (inbox, rule, contact_id) WHERE resolved_at IS NULL;
CREATE INDEX alert_resolved ON alert (resolved_at) WHERE resolved_at IS NOT NULL;

CREATE TABLE candidate (
    inbox        TEXT NOT NULL,
    rule         TEXT NOT NULL,
    contact_id   TEXT NOT NULL,
    contact      TEXT NOT NULL,
    first_seen   INTEGER NOT NULL,
    missed_walks INTEGER NOT NULL,
    PRIMARY KEY (inbox, rule, contact_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    id         TEXT PRIMARY KEY,
    receiver   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,
    -- An attempt is under way; found so after a crash, its outcome is not known.
    in_flight  INTEGER NOT NULL DEFAULT 0,
    ambiguous  INTEGER NOT NULL DEFAULT 0,
    plain      INTEGER NOT NULL DEFAULT 0,
    -- Recipients of a mail that need no further attempt, as a JSON list.
    settled    TEXT NOT NULL DEFAULT '[]',
    last_error TEXT NOT NULL DEFAULT '',
    -- due | delivered | dead | superseded
    state      TEXT NOT NULL DEFAULT 'due',
    closed_at  INTEGER
) STRICT;

CREATE INDEX message_due ON message (receiver, created_at) WHERE state = 'due';

CREATE TABLE notification (
    id       INTEGER PRIMARY KEY,
    alert    TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    receiver TEXT NOT NULL,
    event    TEXT NOT NULL,
    step     INTEGER NOT NULL,
    template TEXT NOT NULL,
    due_at   INTEGER NOT NULL,
    message  TEXT REFERENCES message (id) ON DELETE SET NULL,
    -- owed | delivered | dead | superseded
    state    TEXT NOT NULL DEFAULT 'owed',
    -- Whether the receiver got it, or may have got it.
    told     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX notification_owed ON notification (receiver, id) WHERE state = 'owed';
CREATE INDEX notification_alert ON notification (alert, receiver);
CREATE INDEX notification_message ON notification (message);
