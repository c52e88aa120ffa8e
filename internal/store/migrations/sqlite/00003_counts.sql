-- Counters: how many entries there are, by what is asked for most. They are written with the entries, and can be computed
-- from them again (samjournal stats rebuild). A cut says which of the dimensions a counter has: 1 status code; 2 command and
-- status code; 3 thing and status code; 4 user and status code. The others are '' or 0; a user_id of 0 is also for entries
-- without user. A span is the length in seconds of the time that a counter is for, start its beginning, in microseconds since
-- 1970: a multiple of the span since the beginning of the year 1, UTC, which is -62135596800000000. Nothing is before that, so
-- that what is rounded towards zero is rounded down.

-- +goose Up
CREATE TABLE `entry_counts` (
    `account_id` integer NOT NULL,
    `cut` integer NOT NULL,
    `span` integer NOT NULL,
    `start` integer NOT NULL,
    `thing` text NOT NULL,
    `command` text NOT NULL,
    `status_code` integer NOT NULL,
    `user_id` integer NOT NULL,
    `n` integer NOT NULL,
    PRIMARY KEY (`account_id`, `cut`, `span`, `start`, `thing`, `command`, `status_code`, `user_id`),
    CONSTRAINT `entry_counts_n_check` CHECK (n >= 0)
) STRICT, WITHOUT ROWID;
-- The primary key has all users of a span together; this has all spans of a user.
CREATE INDEX `entry_count_account_id_cut_span_user_id_start` ON `entry_counts` (`account_id`, `cut`, `span`, `user_id`, `start`)
    WHERE user_id > 0;

-- +goose StatementBegin
CREATE TRIGGER `entry_counts_protect_update`
BEFORE UPDATE OF account_id, cut, span, start, thing, command, status_code, user_id ON `entry_counts`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: of a counter only its number changes');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `entry_counts_refuse_delete` BEFORE DELETE ON `entry_counts`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of entry_counts are never deleted');
END;
-- +goose StatementEnd

INSERT INTO entry_counts
SELECT account_id, cut, 900, start, CASE cut WHEN 3 THEN thing ELSE '' END, CASE cut WHEN 2 THEN command ELSE '' END, status_code,
    0, sum(n)
FROM (
    SELECT account_id, (created_at + 62135596800000000) / 900000000 * 900000000 - 62135596800000000 AS start, thing, command,
        status_code, count(*) AS n
    FROM entries GROUP BY 1, 2, 3, 4, 5
)
CROSS JOIN (SELECT 1 AS cut UNION ALL SELECT 2 UNION ALL SELECT 3)
GROUP BY 1, 2, 4, 5, 6, 7;
INSERT INTO entry_counts
SELECT account_id, cut, 86400, (start + 62135596800000000) / 86400000000 * 86400000000 - 62135596800000000, thing, command,
    status_code, 0, sum(n)
FROM entry_counts WHERE span = 900 GROUP BY 1, 2, 4, 5, 6, 7;
INSERT INTO entry_counts
SELECT account_id, 4, 86400, (created_at + 62135596800000000) / 86400000000 * 86400000000 - 62135596800000000, '', '', status_code,
    coalesce(user_id, 0), count(*)
FROM entries GROUP BY 1, 4, 7, 8;
INSERT INTO entry_counts
SELECT account_id, cut, 2764800, (start + 62135596800000000) / 2764800000000 * 2764800000000 - 62135596800000000, thing, command,
    status_code, user_id, sum(n)
FROM entry_counts WHERE span = 86400 AND cut IN (2, 3, 4) GROUP BY 1, 2, 4, 5, 6, 7, 8;

-- The head says how many entries are in the counters. A samjournal that knows no counters cannot append any more.
ALTER TABLE `heads` ADD COLUMN `counted` integer NOT NULL DEFAULT 0;
UPDATE heads SET counted = size;
-- +goose StatementBegin
CREATE TRIGGER `heads_protect_counted` BEFORE UPDATE ON `heads`
WHEN NEW.counted IS NOT NEW.size
BEGIN
    SELECT RAISE(ABORT, 'samjournal: a head moves only together with the counters, which a newer samjournal keeps');
END;
-- +goose StatementEnd
