package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// migrationsDir is seen from the module's root, where go run is called.
const migrationsDir = "internal/store/migrations"

func main() {
	if err := run(context.Background(), os.Args[1:], migrationsDir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migrationgen:", err)
		os.Exit(1)
	}
}

// run writes one file for each database under root and prints their paths.
func run(ctx context.Context, args []string, root string, out io.Writer) (err error) {
	if len(args) != 1 || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(args[0]) {
		return errors.New("give the migration one name of a-z, 0-9 and _, for example add_user_locale")
	}
	name := args[0]
	version, err := nextVersion(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "samjournal-migrationgen-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := testpostgres.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	files := []struct{ directory, databaseURL, body string }{
		{directory: "sqlite", databaseURL: "file:" + filepath.Join(dir, "empty.db")},
		{directory: "postgres", databaseURL: server.SuperuserURL()},
	}
	for i := range files {
		if files[i].body, err = change(ctx, files[i].databaseURL, name); err != nil {
			return fmt.Errorf("%s: %w", files[i].directory, err)
		}
	}
	for _, file := range files {
		path := filepath.Join(root, file.directory, fmt.Sprintf("%05d_%s.sql", version, name))
		if err := os.WriteFile(path, []byte(file.body), 0o644); err != nil { //nolint:gosec // source code
			return err
		}
		fmt.Fprintln(out, path)
	}
	return nil
}

// change is what one database's migration says.
func change(ctx context.Context, databaseURL, name string) (_ string, err error) {
	db, err := migrated(ctx, databaseURL)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	body, err := diff(ctx, db, name)
	if err == nil && body == "" {
		body = "-- +goose Up\n-- The Ent schema asks for nothing here. Add what it has no words for, or say why there is nothing.\n"
	}
	return body, err
}

// migrated applies all migrations to an empty database and opens it for Atlas.
func migrated(ctx context.Context, databaseURL string) (dialect.Driver, error) {
	s, err := store.Open(ctx, databaseURL, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(ctx), s.Close()); err != nil {
		return nil, err
	}
	driver, dsn := "pgx", databaseURL
	if s.Dialect() == dialect.SQLite {
		driver, dsn = "sqlite", databaseURL+"?_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	return entsql.OpenDB(s.Dialect(), db), nil
}

// nextVersion is one more than the highest there is, for either database: versions are the same for both.
func nextVersion(root string) (int, error) {
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.sql"))
	if err != nil {
		return 0, err
	}
	highest := 0
	for _, path := range paths {
		var version int
		if _, err := fmt.Sscanf(strings.TrimLeft(filepath.Base(path), "0"), "%d_", &version); err != nil {
			return 0, fmt.Errorf("%s: file names are VERSION_NAME.sql: %w", path, err)
		}
		highest = max(highest, version)
	}
	if highest == 0 {
		return 0, fmt.Errorf("no migrations in %s: run this in the module's root", root)
	}
	return highest + 1, nil
}
