package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// migrateSetting is the setting that names the owner.
const migrateSetting = "SAMJOURNAL_MIGRATE_DATABASE_URL"

// migrateAsOwner is Migrate where the serving role is not who migrates. It looks with the owner's eyes: the serving role may
// not have the right to read anything yet.
func (s *Store) migrateAsOwner(ctx context.Context) (err error) {
	db, err := s.migrating()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", migrateSetting, connectError(showPostgres(s.owner), translate(err), s.hidden))
	}
	if err := s.checkSameDatabase(ctx, db); err != nil {
		return fmt.Errorf("%s: %w", migrateSetting, err)
	}
	if err := checkOwner(ctx, db); err != nil {
		return fmt.Errorf("%s: %w", migrateSetting, err)
	}
	if _, err := s.apply(ctx, db); err != nil {
		return err
	}
	if err := s.giveGrants(ctx, db); err != nil {
		return fmt.Errorf("give grants: %w", err)
	}
	if err := s.checkSameTables(ctx, db); err != nil {
		return err
	}
	return s.Ready(ctx)
}

// checkSameDatabase takes a lock on one connection and looks whether it is taken on the other, whatever is in between.
func (s *Store) checkSameDatabase(ctx context.Context, owner *sql.DB) (err error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	key := int64(binary.LittleEndian.Uint64(random[:]) >> 1)
	tx, err := owner.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, key); err != nil {
		return translate(err)
	}
	var taken bool
	if err := s.read.QueryRowContext(ctx, `SELECT NOT pg_try_advisory_xact_lock($1)`, key).Scan(&taken); err != nil {
		return translate(err)
	}
	if !taken {
		return errors.New("must lead to the same database as DATABASE_URL, as another role; it leads to another database")
	}
	return nil
}

// checkOwner says what to do where the tables were made by another role, which is likely the one that served until now.
func checkOwner(ctx context.Context, db *sql.DB) error {
	var role, owner string
	err := db.QueryRowContext(ctx, `SELECT current_user, rolname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
		WHERE pg_class.oid = to_regclass('entries') AND NOT pg_has_role(relowner, 'USAGE')`).Scan(&role, &owner)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return translate(err)
	}
	return fmt.Errorf("names the role %s, but the tables belong to %s; name that one, or let a superuser change it with "+
		"REASSIGN OWNED BY %s TO %s", quote(role), quote(owner), quote(owner), quote(role))
}

// giveGrants gives the serving role its grants, unless it has them. Roles that migrate and serve at once need none.
func (s *Store) giveGrants(ctx context.Context, db *sql.DB) error {
	var role, schema string
	if err := s.read.QueryRowContext(ctx, `SELECT current_user`).Scan(&role); err != nil {
		return translate(err)
	}
	if err := db.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return translate(err)
	}
	if owns, err := s.ownsTables(ctx); err != nil || owns {
		return err // serve warns of it
	}
	missing, err := lacks(ctx, db, schema, role)
	if err != nil || !missing {
		return translate(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	defer conn.Close()
	// Two at a time would trip over each other's changes of the catalog.
	locker := postgresLock{}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return translate(err)
	}
	err = grantOn(ctx, conn, schema, role)
	if err := errors.Join(translate(err), translate(locker.SessionUnlock(context.WithoutCancel(ctx), conn))); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "grants given", slog.String("role", role))
	return nil
}

// lacks tells whether the rights of a role are other than they should be.
func lacks(ctx context.Context, db *sql.DB, schema, role string) (bool, error) {
	found, err := rightsOf(ctx, db, schema, role)
	if err != nil || !slices.Equal(found, wanted()) {
		return true, err
	}
	var usage bool
	err = db.QueryRowContext(ctx, `SELECT has_schema_privilege($1, $2, 'USAGE')`, role, schema).Scan(&usage)
	return !usage, err
}

// grantOn runs all statements in one transaction, so that nobody serves without rights meanwhile.
func grantOn(ctx context.Context, conn *sql.Conn, schema, role string) (err error) {
	statements, err := GrantStatements(role)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	var usage bool
	if err := tx.QueryRowContext(ctx, `SELECT has_schema_privilege($1, $2, 'USAGE')`, role, schema).Scan(&usage); err != nil {
		return err
	}
	if !usage {
		statements = append(statements, "GRANT USAGE ON SCHEMA "+quote(schema)+" TO "+quote(role))
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// checkSameTables finds out whether the serving role, which may look elsewhere first, finds the tables that were migrated.
func (s *Store) checkSameTables(ctx context.Context, owner *sql.DB) error {
	var made, found sql.NullString
	const where = `SELECT to_regclass('entries')::oid::text, current_schema()`
	var madeIn, foundIn sql.NullString
	if err := owner.QueryRowContext(ctx, where).Scan(&made, &madeIn); err != nil {
		return translate(err)
	}
	if err := s.read.QueryRowContext(ctx, where).Scan(&found, &foundIn); err != nil {
		return translate(err)
	}
	if made != found {
		return fmt.Errorf("%s: its role has the tables in the schema %s, where the role of DATABASE_URL does not look first (%s); "+
			"give both the same search_path", migrateSetting, quote(madeIn.String), quote(foundIn.String))
	}
	return nil
}
