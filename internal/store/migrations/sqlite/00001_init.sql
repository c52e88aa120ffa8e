-- The whole data model. Entries are immutable from the first row on, so nothing of what protects them may come later.
-- Every primary key, unique constraint and foreign key starts with the account. Text is compared bytewise (SQLite's BINARY).
-- Times are microseconds since 1970 UTC; a text there would make the row unreadable, hence the checks of typeof.

-- +goose Up
CREATE TABLE `accounts` (
    `id` integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    `slug` text NOT NULL,
    `name` text NOT NULL,
    `digest_key` blob NOT NULL,
    `created_at` datetime NOT NULL,
    CONSTRAINT `accounts_id_check` CHECK (id >= 1),
    CONSTRAINT `accounts_slug_check` CHECK (typeof(slug) = 'text' AND length(slug) BETWEEN 1 AND 63
        AND slug NOT GLOB '*[^a-z0-9-]*' AND slug NOT GLOB '-*' AND slug NOT GLOB '*-'),
    CONSTRAINT `accounts_name_check` CHECK (typeof(name) = 'text' AND length(name) BETWEEN 1 AND 200),
    CONSTRAINT `accounts_digest_key_check` CHECK (typeof(digest_key) = 'blob' AND length(digest_key) = 32),
    CONSTRAINT `accounts_created_at_check` CHECK (typeof(created_at) = 'integer')
);
CREATE UNIQUE INDEX `account_slug` ON `accounts` (`slug`);

CREATE TABLE `users` (
    `account_id` integer NOT NULL,
    `id` integer NOT NULL,
    `username` text NOT NULL,
    `email` text NULL,
    `display_name` text NULL,
    `created_at` datetime NOT NULL,
    `disabled_at` datetime NULL,
    PRIMARY KEY (`account_id`, `id`),
    CONSTRAINT `users_account_id_fkey` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`),
    CONSTRAINT `users_id_check` CHECK (typeof(id) = 'integer' AND id >= 1),
    CONSTRAINT `users_username_check` CHECK (typeof(username) = 'text' AND length(username) BETWEEN 1 AND 150
        AND instr(username, char(0)) = 0),
    CONSTRAINT `users_email_check` CHECK (email IS NULL OR (typeof(email) = 'text' AND length(email) <= 254)),
    CONSTRAINT `users_display_name_check` CHECK (display_name IS NULL
        OR (typeof(display_name) = 'text' AND length(display_name) <= 200)),
    CONSTRAINT `users_created_at_check` CHECK (typeof(created_at) = 'integer'),
    CONSTRAINT `users_disabled_at_check` CHECK (typeof(disabled_at) IN ('integer', 'null'))
);
CREATE UNIQUE INDEX `user_account_id_username` ON `users` (`account_id`, `username`);
CREATE INDEX `user_account_id_created_at_id` ON `users` (`account_id`, `created_at`, `id`);

CREATE TABLE `entries` (
    `account_id` integer NOT NULL,
    `key` text NOT NULL,
    `position` integer NOT NULL,
    `created_at` datetime NOT NULL,
    `recorded_at` datetime NOT NULL,
    `origin` text NOT NULL,
    `recorded_by` text NULL,
    `user_id` integer NULL,
    `username` text NULL,
    `thing` text NOT NULL,
    `command` text NOT NULL,
    `status_code` integer NOT NULL,
    `request` text NULL,
    `response` text NULL,
    `payload_salt` blob NULL,
    `request_digest` blob NOT NULL,
    `response_digest` blob NOT NULL,
    `sent_digest` blob NOT NULL,
    `redacted_paths` text NOT NULL,
    `payload_state` text NOT NULL,
    `format_version` integer NOT NULL,
    PRIMARY KEY (`account_id`, `key`),
    CONSTRAINT `entries_users_entries` FOREIGN KEY (`account_id`, `user_id`) REFERENCES `users` (`account_id`, `id`),
    CONSTRAINT `entries_account_id_check` CHECK (typeof(account_id) = 'integer'),
    CONSTRAINT `entries_key_check` CHECK (typeof(key) = 'text' AND length(key) = 64 AND key NOT GLOB '*[^0-9a-f]*'),
    CONSTRAINT `entries_position_check` CHECK (typeof(position) = 'integer' AND position >= 0),
    CONSTRAINT `entries_created_at_check` CHECK (typeof(created_at) = 'integer'
        AND created_at >= -62135596800000000 AND created_at < 253402300800000000),
    CONSTRAINT `entries_recorded_at_check` CHECK (typeof(recorded_at) = 'integer'
        AND recorded_at >= -62135596800000000 AND recorded_at < 253402300800000000),
    CONSTRAINT `entries_origin_check` CHECK (origin IN ('API', 'IMPORT', 'SEED')),
    CONSTRAINT `entries_api_time_check` CHECK (origin <> 'API' OR created_at = recorded_at),
    CONSTRAINT `entries_recorded_by_check` CHECK (recorded_by IS NULL
        OR (typeof(recorded_by) = 'text' AND length(recorded_by) BETWEEN 1 AND 200)),
    CONSTRAINT `entries_user_check` CHECK (typeof(user_id) IN ('integer', 'null') AND (user_id IS NULL) = (username IS NULL)),
    CONSTRAINT `entries_username_check` CHECK (username IS NULL
        OR (typeof(username) = 'text' AND length(username) BETWEEN 1 AND 150)),
    CONSTRAINT `entries_thing_check` CHECK (thing IN ('Plugin', 'ApiPlugin', 'SqlPlugin', 'ApiConnection', 'SqlConnection',
        'Account', 'SmarterAuthToken', 'User', 'Prompt', 'ChatConfig', 'PromptHistory', 'PromptPluginUsage', 'PromptToolCall',
        'LLMClient', 'Provider', 'Secret', 'Vectorstore', 'Proxy')),
    CONSTRAINT `entries_command_check` CHECK (command IN ('apply', 'prompt', 'chat_config', 'delete', 'deploy', 'describe', 'get',
        'journal', 'logs', 'example_manifest', 'status', 'json_schema', 'version', 'undeploy', 'whoami')),
    CONSTRAINT `entries_status_code_check` CHECK (typeof(status_code) = 'integer' AND status_code BETWEEN 0 AND 32767),
    CONSTRAINT `entries_payload_check` CHECK ((request IS NULL) = (response IS NULL) AND (request IS NULL) = (payload_salt IS NULL)),
    CONSTRAINT `entries_payload_type_check` CHECK (typeof(request) IN ('text', 'null') AND typeof(response) IN ('text', 'null')),
    CONSTRAINT `entries_payload_salt_check` CHECK (payload_salt IS NULL
        OR (typeof(payload_salt) = 'blob' AND length(payload_salt) = 32)),
    CONSTRAINT `entries_digests_check` CHECK (typeof(request_digest) = 'blob' AND length(request_digest) = 32
        AND typeof(response_digest) = 'blob' AND length(response_digest) = 32
        AND typeof(sent_digest) = 'blob' AND length(sent_digest) = 32),
    CONSTRAINT `entries_redacted_paths_check` CHECK (typeof(redacted_paths) = 'text' AND redacted_paths LIKE '[%]'),
    CONSTRAINT `entries_payload_state_check` CHECK (payload_state IN ('STORED', 'TRUNCATED')),
    CONSTRAINT `entries_format_version_check` CHECK (typeof(format_version) = 'integer' AND format_version >= 1)
);
CREATE UNIQUE INDEX `entry_account_id_position` ON `entries` (`account_id`, `position`);
CREATE INDEX `entry_account_id_created_at_position` ON `entries` (`account_id`, `created_at`, `position`);
CREATE INDEX `entry_account_id_user_id_position` ON `entries` (`account_id`, `user_id`, `position`);
CREATE INDEX `entry_account_id_thing_position` ON `entries` (`account_id`, `thing`, `position`);
CREATE INDEX `entry_account_id_command_position` ON `entries` (`account_id`, `command`, `position`);
CREATE INDEX `entry_account_id_status_code_position` ON `entries` (`account_id`, `status_code`, `position`);

CREATE TABLE `erasures` (
    `account_id` integer NOT NULL,
    `position` integer NOT NULL,
    `reason` text NOT NULL,
    `erased_by` text NOT NULL,
    `erased_at` datetime NOT NULL,
    PRIMARY KEY (`account_id`, `position`),
    CONSTRAINT `erasures_entry_fkey` FOREIGN KEY (`account_id`, `position`) REFERENCES `entries` (`account_id`, `position`),
    CONSTRAINT `erasures_reason_check` CHECK (typeof(reason) = 'text' AND reason <> ''),
    CONSTRAINT `erasures_erased_by_check` CHECK (typeof(erased_by) = 'text' AND length(erased_by) BETWEEN 1 AND 200),
    CONSTRAINT `erasures_erased_at_check` CHECK (typeof(erased_at) = 'integer')
);

CREATE TABLE `heads` (
    `account_id` integer NOT NULL PRIMARY KEY,
    `size` integer NOT NULL,
    `last_key` text NULL,
    `last_recorded_at` datetime NULL,
    CONSTRAINT `heads_account_id_fkey` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`),
    CONSTRAINT `heads_size_check` CHECK (typeof(size) = 'integer' AND size >= 0),
    CONSTRAINT `heads_last_key_check` CHECK (last_key IS NULL
        OR (typeof(last_key) = 'text' AND length(last_key) = 64 AND last_key NOT GLOB '*[^0-9a-f]*')),
    CONSTRAINT `heads_last_check` CHECK ((size = 0) = (last_key IS NULL) AND (size = 0) = (last_recorded_at IS NULL)),
    CONSTRAINT `heads_last_recorded_at_check` CHECK (typeof(last_recorded_at) IN ('integer', 'null'))
);

-- Triggers that refuse an INSERT of what exists stop REPLACE and ON CONFLICT, which SQLite would let past the triggers on
-- DELETE where a connection has recursive_triggers off. That includes a rowid that is taken.

-- +goose StatementBegin
CREATE TRIGGER `accounts_refuse_replace` BEFORE INSERT ON `accounts`
WHEN EXISTS (SELECT 1 FROM accounts WHERE id = NEW.id OR slug = NEW.slug)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: an account of this id or slug exists already');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `accounts_create_head` AFTER INSERT ON `accounts`
BEGIN
    INSERT INTO heads (account_id, size) VALUES (NEW.id, 0);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `accounts_protect_update` BEFORE UPDATE ON `accounts`
WHEN NEW.id IS NOT OLD.id OR NEW.slug IS NOT OLD.slug OR NEW.digest_key IS NOT OLD.digest_key
    OR NEW.created_at IS NOT OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'samjournal: id, slug, digest_key and created_at of an account never change');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `accounts_refuse_delete` BEFORE DELETE ON `accounts`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of accounts are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER `users_refuse_replace` BEFORE INSERT ON `users`
WHEN EXISTS (SELECT 1 FROM users WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM users WHERE account_id = NEW.account_id AND id = NEW.id)
    OR EXISTS (SELECT 1 FROM users WHERE account_id = NEW.account_id AND username = NEW.username)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: a user of this id or username exists already');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `users_protect_update` BEFORE UPDATE ON `users`
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.account_id IS NOT OLD.account_id OR NEW.id IS NOT OLD.id
    OR NEW.username IS NOT OLD.username OR NEW.created_at IS NOT OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'samjournal: account_id, id, username and created_at of a user never change');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `users_refuse_delete` BEFORE DELETE ON `users`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of users are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER `entries_refuse_replace` BEFORE INSERT ON `entries`
WHEN EXISTS (SELECT 1 FROM entries WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM entries WHERE account_id = NEW.account_id AND key = NEW.key)
    OR EXISTS (SELECT 1 FROM entries WHERE account_id = NEW.account_id AND position = NEW.position)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: an entry of this key or position exists already');
END;
-- +goose StatementEnd

-- The one UPDATE of an entry that is allowed takes its payloads away, and only when a row in erasures says so.
-- +goose StatementBegin
CREATE TRIGGER `entries_protect_update` BEFORE UPDATE ON `entries`
WHEN NEW.request IS NOT NULL OR NEW.response IS NOT NULL OR NEW.payload_salt IS NOT NULL OR NEW.rowid IS NOT OLD.rowid
    OR NEW.account_id IS NOT OLD.account_id OR NEW.key IS NOT OLD.key OR NEW.position IS NOT OLD.position
    OR NEW.created_at IS NOT OLD.created_at OR NEW.recorded_at IS NOT OLD.recorded_at OR NEW.origin IS NOT OLD.origin
    OR NEW.recorded_by IS NOT OLD.recorded_by OR NEW.user_id IS NOT OLD.user_id OR NEW.username IS NOT OLD.username
    OR NEW.thing IS NOT OLD.thing OR NEW.command IS NOT OLD.command OR NEW.status_code IS NOT OLD.status_code
    OR NEW.request_digest IS NOT OLD.request_digest OR NEW.response_digest IS NOT OLD.response_digest
    OR NEW.sent_digest IS NOT OLD.sent_digest OR NEW.redacted_paths IS NOT OLD.redacted_paths
    OR NEW.payload_state IS NOT OLD.payload_state OR NEW.format_version IS NOT OLD.format_version
BEGIN
    SELECT RAISE(ABORT, 'samjournal: entries are never changed, but for an erasure of request, response and payload_salt');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `entries_protect_erasure` BEFORE UPDATE ON `entries`
WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE account_id = OLD.account_id AND position = OLD.position)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: an entry''s payloads are erased only after a row in erasures says why');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `entries_refuse_delete` BEFORE DELETE ON `entries`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of entries are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER `erasures_refuse_replace` BEFORE INSERT ON `erasures`
WHEN EXISTS (SELECT 1 FROM erasures WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM erasures WHERE account_id = NEW.account_id AND position = NEW.position)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: an erasure of this entry exists already');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `erasures_protect_update` BEFORE UPDATE ON `erasures`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: erasures are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `erasures_refuse_delete` BEFORE DELETE ON `erasures`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of erasures are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER `heads_refuse_replace` BEFORE INSERT ON `heads`
WHEN EXISTS (SELECT 1 FROM heads WHERE account_id = NEW.account_id)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: the head of this account exists already');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `heads_protect_update` BEFORE UPDATE ON `heads`
WHEN NEW.account_id IS NOT OLD.account_id OR NEW.size < OLD.size OR NEW.last_recorded_at < OLD.last_recorded_at
    OR (NEW.size = OLD.size
        AND (NEW.last_key IS NOT OLD.last_key OR NEW.last_recorded_at IS NOT OLD.last_recorded_at))
BEGIN
    SELECT RAISE(ABORT, 'samjournal: a head only moves forward');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `heads_protect_last` BEFORE UPDATE ON `heads`
WHEN NEW.size > OLD.size AND NOT EXISTS (
    SELECT 1 FROM entries WHERE account_id = NEW.account_id AND position = NEW.size - 1 AND key = NEW.last_key)
BEGIN
    SELECT RAISE(ABORT, 'samjournal: a head moves only to an entry that exists: last_key at position size - 1');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `heads_refuse_delete` BEFORE DELETE ON `heads`
BEGIN
    SELECT RAISE(ABORT, 'samjournal: rows of heads are never deleted');
END;
-- +goose StatementEnd

-- SQLite's random numbers come from the operating system's.
INSERT INTO accounts (id, slug, name, digest_key, created_at)
VALUES (1, 'default', 'default', randomblob(32), CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000);
