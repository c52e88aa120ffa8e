-- API tokens. Of a token's secret only a digest is stored. A token is never deleted: what it appended names it for ever. Only
-- the time of its last use and its one revocation are written later.

-- +goose Up
CREATE TABLE `tokens` (
    `account_id` integer NOT NULL,
    `id` integer NOT NULL,
    `name` text NOT NULL,
    `role` text NOT NULL,
    `user_id` integer NULL,
    `secret_digest` blob NOT NULL,
    `created_at` datetime NOT NULL,
    `created_by` text NULL,
    `expires_at` datetime NULL,
    `last_used_at` datetime NULL,
    `revoked_at` datetime NULL,
    `revoked_by` text NULL,
    PRIMARY KEY (`account_id`, `id`),
    CONSTRAINT `tokens_account_id_fkey` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`),
    CONSTRAINT `tokens_users_user` FOREIGN KEY (`account_id`, `user_id`) REFERENCES `users` (`account_id`, `id`),
    CONSTRAINT `tokens_id_check` CHECK (typeof(id) = 'integer' AND id >= 1),
    CONSTRAINT `tokens_name_check` CHECK (typeof(name) = 'text' AND length(name) BETWEEN 1 AND 100
        AND instr(name, char(0)) = 0),
    CONSTRAINT `tokens_role_check` CHECK (role IN ('WRITER', 'READER', 'AUDITOR', 'ADMIN', 'OPERATOR')),
    CONSTRAINT `tokens_reader_check` CHECK (role <> 'READER' OR user_id IS NOT NULL),
    CONSTRAINT `tokens_user_id_check` CHECK (typeof(user_id) IN ('integer', 'null')),
    CONSTRAINT `tokens_secret_digest_check` CHECK (typeof(secret_digest) = 'blob' AND length(secret_digest) = 32),
    CONSTRAINT `tokens_created_at_check` CHECK (typeof(created_at) = 'integer'),
    CONSTRAINT `tokens_created_by_check` CHECK (created_by IS NULL
        OR (typeof(created_by) = 'text' AND length(created_by) BETWEEN 1 AND 200)),
    CONSTRAINT `tokens_expires_at_check` CHECK (typeof(expires_at) IN ('integer', 'null')),
    CONSTRAINT `tokens_last_used_at_check` CHECK (typeof(last_used_at) IN ('integer', 'null')),
    CONSTRAINT `tokens_revoked_at_check` CHECK (typeof(revoked_at) IN ('integer', 'null')),
    CONSTRAINT `tokens_revoked_by_check` CHECK (revoked_by IS NULL
        OR (typeof(revoked_by) = 'text' AND length(revoked_by) BETWEEN 1 AND 200)),
    CONSTRAINT `tokens_revoked_check` CHECK (revoked_by IS NULL OR revoked_at IS NOT NULL)
);
CREATE INDEX `token_account_id_created_at_id` ON `tokens` (`account_id`, `created_at`, `id`);

-- +goose StatementBegin
CREATE TRIGGER `tokens_refuse_replace` BEFORE INSERT ON `tokens`
WHEN EXISTS (SELECT 1 FROM tokens WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM tokens WHERE account_id = NEW.account_id AND id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: a token of this id exists already');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `tokens_protect_use` BEFORE UPDATE ON `tokens`
WHEN OLD.last_used_at IS NOT NULL AND (NEW.last_used_at IS NULL OR NEW.last_used_at < OLD.last_used_at)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: the last use of a token only moves forward');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `tokens_protect_update` BEFORE UPDATE ON `tokens`
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.account_id IS NOT OLD.account_id OR NEW.id IS NOT OLD.id OR NEW.name IS NOT OLD.name
    OR NEW.role IS NOT OLD.role OR NEW.user_id IS NOT OLD.user_id OR NEW.secret_digest IS NOT OLD.secret_digest
    OR NEW.created_at IS NOT OLD.created_at OR NEW.created_by IS NOT OLD.created_by OR NEW.expires_at IS NOT OLD.expires_at
    OR (OLD.revoked_at IS NOT NULL
        AND (NEW.revoked_at IS NOT OLD.revoked_at OR NEW.revoked_by IS NOT OLD.revoked_by))
BEGIN
    SELECT RAISE(ABORT, 'samjournal: tokens are never changed, but for their last use and one revocation');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `tokens_refuse_delete` BEFORE DELETE ON `tokens`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of tokens are never deleted');
END;
-- +goose StatementEnd
