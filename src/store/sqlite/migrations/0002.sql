-- The life of an alert: pending and lapsed ones, progress of steps, acknowledgements, silences, history.

CREATE TABLE alert_new (
    id             TEXT PRIMARY KEY,
    inbox          TEXT NOT NULL,
    rule           TEXT NOT NULL,
    contact_id     TEXT NOT NULL,
    contact        TEXT NOT NULL,
    since          INTEGER NOT NULL,
    first_seen     INTEGER NOT NULL,
    -- Null: pending.
    fired_at       INTEGER,
    -- It no longer matches, and keep_firing_for runs.
    lapsed_at      INTEGER,
    lapse_ended_at INTEGER,
    lapse_reason   TEXT,
    resolved_at    INTEGER,
    ended_at       INTEGER,
    reason         TEXT,
    acked_at       INTEGER,
    acked_by       TEXT,
    ack_comment    TEXT,
    missed_walks   INTEGER NOT NULL,
    -- Who was in charge when the episode began.
    charge_agent   TEXT NOT NULL,
    charge_status  TEXT NOT NULL,
    -- Fingerprints of the rule.
    file           TEXT NOT NULL,
    condition      TEXT NOT NULL,
    timing         TEXT NOT NULL,
    -- Progress of the rule's steps, as a JSON list.
    steps          TEXT NOT NULL
) STRICT;

-- Before this format every step was due at the beginning, and once. Without fingerprints the rule counts
-- as edited since, which tells nothing again.
INSERT INTO alert_new (id, inbox, rule, contact_id, contact, since, first_seen, fired_at, resolved_at, ended_at,
        reason, missed_walks, charge_agent, charge_status, file, condition, timing, steps)
    SELECT id, inbox, rule, contact_id, contact, since, fired_at, fired_at, resolved_at, ended_at, reason,
        missed_walks, '', '', '', condition, '',
        coalesce((SELECT json_group_array(json_object('step', '', 'first_at', s.at, 'last_at', s.at, 'repeats', 0))
            FROM (SELECT n.step, strftime('%Y-%m-%dT%H:%M:%SZ', max(n.due_at) / 1000000, 'unixepoch') AS at
                  FROM notification n WHERE n.alert = alert.id AND n.event = 'fired'
                  GROUP BY n.step ORDER BY n.step) s), '[]')
    FROM alert;

DROP TABLE alert;
ALTER TABLE alert_new RENAME TO alert;

-- One alert per customer, rule and episode.
CREATE UNIQUE INDEX alert_open ON alert (inbox, rule, contact_id) WHERE resolved_at IS NULL;
CREATE INDEX alert_resolved ON alert (resolved_at) WHERE resolved_at IS NOT NULL;

ALTER TABLE candidate ADD COLUMN file TEXT NOT NULL DEFAULT '';

CREATE TABLE silence (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What it is about, as a JSON object.
    matchers   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    comment    TEXT NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE INDEX silence_ends ON silence (ends_at);

-- What happened. It outlives the alerts that it tells of.
CREATE TABLE history (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    alert    TEXT NOT NULL,
    inbox    TEXT NOT NULL,
    rule     TEXT NOT NULL,
    version  TEXT NOT NULL,
    contact  TEXT NOT NULL,
    name     TEXT NOT NULL,
    happened TEXT NOT NULL,
    who      TEXT NOT NULL,
    detail   TEXT NOT NULL
) STRICT;

CREATE INDEX history_at ON history (at);
CREATE INDEX history_alert ON history (alert);
