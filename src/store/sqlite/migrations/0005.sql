-- Who of those whom a receiver reaches knows of an alert.

-- Whose envelope of a mail is under way, as a JSON list: after a crash they may have it. Null: it was begun
-- before that was recorded.
ALTER TABLE message ADD COLUMN trying TEXT;

-- The persons who got it, or may have got it, as a JSON list. Null: all whom the receiver reaches.
ALTER TABLE notification ADD COLUMN persons TEXT;

-- Some recipients have these mails, the others are still to be tried.
UPDATE notification SET persons = (SELECT m.settled FROM message m WHERE m.id = notification.message)
    WHERE told AND state IN ('owed', 'dead') AND EXISTS (SELECT 1 FROM message m WHERE m.id = notification.message
        AND m.settled <> '[]' AND NOT m.in_flight);

-- Where a receiver's messages go, as a JSON list of fingerprints: by it one is known again under another name.
ALTER TABLE receiver ADD COLUMN address TEXT NOT NULL DEFAULT '[]';

CREATE INDEX notification_dead ON notification (receiver) WHERE state = 'dead';
