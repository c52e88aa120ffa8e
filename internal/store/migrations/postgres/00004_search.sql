-- The index of searches: the terms of each entry, as internal/search makes them, each with the number of its account before it.
-- It is derived from the entries and filled behind the head, never in an append's transaction. An entry with the term x beside
-- its account's number has too many terms to be listed and is found by every search.

-- +goose Up
CREATE TABLE entry_terms (
    account_id bigint NOT NULL,
    position bigint NOT NULL,
    terms tsvector NOT NULL,
    CONSTRAINT entry_terms_pkey PRIMARY KEY (account_id, position)
);
CREATE INDEX entry_terms_terms ON entry_terms USING gin (terms);

-- The first `size` entries of the account are in the index, with terms of this version.
CREATE TABLE entry_search_heads (
    account_id bigint NOT NULL,
    version integer NOT NULL,
    size bigint NOT NULL,
    CONSTRAINT entry_search_heads_pkey PRIMARY KEY (account_id),
    CONSTRAINT entry_search_heads_size_check CHECK (size >= 0)
);
