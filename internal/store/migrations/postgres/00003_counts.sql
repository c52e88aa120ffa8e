-- Counters: how many entries there are, by what is asked for most. They are written with the entries, and can be computed
-- from them again (samjournal stats rebuild). A cut says which of the dimensions a counter has: 1 status code; 2 command and
-- status code; 3 thing and status code; 4 user and status code. The others are '' or 0; a user_id of 0 is also for entries
-- without user. A span is the length in seconds of the time that a counter is for, start its beginning: a multiple of the span
-- since the beginning of the year 1, UTC.

-- +goose Up
-- A samjournal of before may still serve: what it appended from here on would be in no counter. It waits, readers do not.
LOCK TABLE heads IN EXCLUSIVE MODE;

CREATE TABLE entry_counts (
    account_id bigint NOT NULL,
    cut smallint NOT NULL,
    span integer NOT NULL,
    start timestamptz NOT NULL,
    thing varchar COLLATE "C" NOT NULL,
    command varchar COLLATE "C" NOT NULL,
    status_code smallint NOT NULL,
    user_id bigint NOT NULL,
    n bigint NOT NULL,
    CONSTRAINT entry_counts_pkey PRIMARY KEY (account_id, cut, span, start, thing, command, status_code, user_id),
    CONSTRAINT entry_counts_n_check CHECK (n >= 0)
) WITH (fillfactor = 70); -- room in each page for the next version of a row, which then needs no new index entries
-- The primary key has all users of a span together; this has all spans of a user.
CREATE INDEX entry_count_account_id_cut_span_user_id_start ON entry_counts (account_id, cut, span, user_id, start)
    WHERE user_id > 0;

-- +goose StatementBegin
CREATE FUNCTION samjournal_protect_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'samjournal: of a counter only its number changes' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER entry_counts_protect_update
    BEFORE UPDATE OF account_id, cut, span, start, thing, command, status_code, user_id ON entry_counts
    FOR EACH ROW EXECUTE FUNCTION samjournal_protect_count();
CREATE TRIGGER entry_counts_refuse_delete BEFORE DELETE ON entry_counts FOR EACH ROW EXECUTE FUNCTION samjournal_refuse_delete();
CREATE TRIGGER entry_counts_refuse_truncate BEFORE TRUNCATE ON entry_counts EXECUTE FUNCTION samjournal_refuse_delete();

INSERT INTO entry_counts
SELECT account_id, cut, 900, start, CASE cut WHEN 3 THEN thing ELSE '' END, CASE cut WHEN 2 THEN command ELSE '' END, status_code,
    0, sum(n)
FROM (
    SELECT account_id, date_bin('900 seconds', created_at, timestamptz '0001-01-01 00:00:00+00') AS start, thing, command,
        status_code, count(*) AS n
    FROM entries GROUP BY 1, 2, 3, 4, 5
) AS quarters
CROSS JOIN generate_series(1, 3) AS cut
GROUP BY 1, 2, 4, 5, 6, 7;
INSERT INTO entry_counts
SELECT account_id, cut, 86400, date_bin('86400 seconds', start, timestamptz '0001-01-01 00:00:00+00'), thing, command, status_code,
    0, sum(n)
FROM entry_counts WHERE span = 900 GROUP BY 1, 2, 4, 5, 6, 7;
INSERT INTO entry_counts
SELECT account_id, 4, 86400, date_bin('86400 seconds', created_at, timestamptz '0001-01-01 00:00:00+00'), '', '', status_code,
    coalesce(user_id, 0), count(*)
FROM entries GROUP BY 1, 4, 7, 8;
INSERT INTO entry_counts
SELECT account_id, cut, 2764800, date_bin('2764800 seconds', start, timestamptz '0001-01-01 00:00:00+00'), thing, command,
    status_code, user_id, sum(n)
FROM entry_counts WHERE span = 86400 AND cut IN (2, 3, 4) GROUP BY 1, 2, 4, 5, 6, 7, 8;

-- The head says how many entries are in the counters. A samjournal that knows no counters cannot append any more.
ALTER TABLE heads ADD COLUMN counted bigint NOT NULL DEFAULT 0;
ALTER TABLE heads DISABLE TRIGGER heads_protect_update;
UPDATE heads SET counted = size;
ALTER TABLE heads ENABLE TRIGGER heads_protect_update;
ALTER TABLE heads ADD CONSTRAINT heads_counted_check CHECK (counted = size);
