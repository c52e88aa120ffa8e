-- API tokens. Of a token's secret only a digest is stored. A token is never deleted: what it appended names it for ever. Only
-- the time of its last use and its one revocation are written later.

-- +goose Up
CREATE TABLE tokens (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name varchar NOT NULL,
    role varchar COLLATE "C" NOT NULL,
    user_id bigint,
    secret_digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by varchar,
    CONSTRAINT tokens_pkey PRIMARY KEY (account_id, id),
    CONSTRAINT tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT tokens_users_user FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id),
    CONSTRAINT tokens_id_check CHECK (id >= 1),
    CONSTRAINT tokens_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT tokens_role_check CHECK (role IN ('WRITER', 'READER', 'AUDITOR', 'ADMIN', 'OPERATOR')),
    CONSTRAINT tokens_reader_check CHECK (role <> 'READER' OR user_id IS NOT NULL),
    CONSTRAINT tokens_secret_digest_check CHECK (octet_length(secret_digest) = 32),
    CONSTRAINT tokens_created_by_check CHECK (char_length(created_by) BETWEEN 1 AND 200),
    CONSTRAINT tokens_revoked_by_check CHECK (char_length(revoked_by) BETWEEN 1 AND 200),
    CONSTRAINT tokens_revoked_check CHECK (revoked_by IS NULL OR revoked_at IS NOT NULL)
);
CREATE INDEX token_account_id_created_at_id ON tokens (account_id, created_at, id);

-- +goose StatementBegin
CREATE FUNCTION samjournal_protect_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.last_used_at IS NOT NULL AND (NEW.last_used_at IS NULL OR NEW.last_used_at < OLD.last_used_at) THEN
        RAISE EXCEPTION 'samjournal: the last use of a token only moves forward' USING ERRCODE = 'restrict_violation';
    END IF;
    OLD.last_used_at := NEW.last_used_at;
    IF OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL THEN
        OLD.revoked_at := NEW.revoked_at;
        OLD.revoked_by := NEW.revoked_by;
    END IF;
    IF NEW *<> OLD THEN
        RAISE EXCEPTION 'samjournal: tokens are never changed, but for their last use and one revocation'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER tokens_protect_update BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION samjournal_protect_token();
CREATE TRIGGER tokens_refuse_delete BEFORE DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION samjournal_refuse_delete();
CREATE TRIGGER tokens_refuse_truncate BEFORE TRUNCATE ON tokens EXECUTE FUNCTION samjournal_refuse_delete();
