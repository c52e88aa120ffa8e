-- The index of searches: the terms of each entry, as internal/search makes them, each with the number of its account before it.
-- It is derived from the entries and filled behind the head, never in an append's transaction. An entry with the term x beside
-- its account's number has too many terms to be listed and is found by every search.

-- +goose Up
CREATE TABLE entry_terms (
    account_id bigint NOT NULL,
    position bigint NOT NULL,
    terms tsvector NOT NULL,
    CONSTRAINT entry_terms_pkey PRIMARY KEY (account_id, position)
) WITH (toast_tuple_target = 8160); -- hashes do not compress, and a row of two kilobytes is as well in its page
CREATE INDEX entry_terms_terms ON entry_terms USING gin (terms);

-- The first `size` entries of the account are in the index, with terms of this version.
CREATE TABLE entry_search_heads (
    account_id bigint NOT NULL,
    version integer NOT NULL,
    size bigint NOT NULL,
    CONSTRAINT entry_search_heads_pkey PRIMARY KEY (account_id),
    CONSTRAINT entry_search_heads_size_check CHECK (size >= 0)
);

-- What is erased of an entry goes out of the index in the same transaction: the entry is then one that is not listed, until it is
-- indexed anew. The term e tells whoever is about to index what was there, and waits for this row, that it is there no more.
-- +goose StatementBegin
CREATE FUNCTION samjournal_unlist_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.entry_terms (account_id, position, terms) VALUES ($1, $2, $3)
        ON CONFLICT (account_id, position) DO UPDATE SET terms = excluded.terms', TG_TABLE_SCHEMA)
        USING NEW.account_id, NEW.position, array_to_tsvector(ARRAY[NEW.account_id::text || 'e', NEW.account_id::text || 'x']);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER entries_unlist AFTER UPDATE ON entries FOR EACH ROW EXECUTE FUNCTION samjournal_unlist_entry();
