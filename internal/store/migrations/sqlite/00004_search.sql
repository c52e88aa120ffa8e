-- The index of searches: the terms of each entry, as internal/search makes them, each with the number of its account before it.
-- It is derived from the entries and filled behind the head, never in an append's transaction. An entry with the term x beside
-- its account's number has too many terms to be listed and is found by every search. The rowid is account_id << 40 | position.

-- +goose Up
CREATE VIRTUAL TABLE `entry_terms` USING fts5(terms, content='', contentless_delete=1, detail='none', tokenize='ascii');

-- The first `size` entries of the account are in the index, with terms of this version.
CREATE TABLE `entry_search_heads` (
    `account_id` integer NOT NULL,
    `version` integer NOT NULL,
    `size` integer NOT NULL,
    PRIMARY KEY (`account_id`),
    CONSTRAINT `entry_search_heads_size_check` CHECK (size >= 0)
) STRICT, WITHOUT ROWID;

-- What is erased of an entry goes out of the index in the same transaction: the entry is then one that is not listed, until it is
-- indexed anew.
-- +goose StatementBegin
CREATE TRIGGER `entries_unlist` AFTER UPDATE ON `entries`
BEGIN
    DELETE FROM entry_terms WHERE rowid = NEW.account_id << 40 | NEW.position;
    INSERT INTO entry_terms (rowid, terms) VALUES (NEW.account_id << 40 | NEW.position, NEW.account_id || 'x');
END;
-- +goose StatementEnd
