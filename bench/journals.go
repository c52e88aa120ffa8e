package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"samjournal/internal/testpostgres"
)

// smallEntries are in the journal that is appended to, so that the large one stays as it was seeded.
const smallEntries = 10_000

// seeding is how long it took, kept beside a database that is used again.
type seeding struct {
	Entries int           `json:"entries"`
	Took    time.Duration `json:"took"`
	CPU     time.Duration `json:"cpu"` // of the command alone
	On      time.Time     `json:"on"`
}

// seedJournal runs the product's own command. The same seed, number and end give the same entries everywhere.
func seedJournal(ctx context.Context, cfg settings, databaseURL string, entries int) (seeding, error) {
	command := exec.CommandContext(ctx, cfg.product, "seed", "--entries="+strconv.Itoa(entries), "--seed=1",
		"--end=2026-01-01T00:00:00Z", "--log-level=warn")
	command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL)
	command.Stderr = os.Stderr
	start := time.Now()
	if err := command.Run(); err != nil {
		return seeding{}, fmt.Errorf("seed %s entries: %w", thousands(entries), err)
	}
	return seeding{
		Entries: entries, Took: time.Since(start), CPU: command.ProcessState.UserTime() + command.ProcessState.SystemTime(),
		On: start.UTC().Truncate(time.Second),
	}, nil
}

func onSQLite(ctx context.Context, cfg settings, r *report) error {
	journal, seeded, err := cachedSQLite(ctx, cfg)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cache, "run-") // on the same file system as the journal
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	small, plain := "file:"+filepath.Join(dir, "small.db"), "file:"+filepath.Join(dir, "plain.db")
	if _, err := seedJournal(ctx, cfg, small, smallEntries); err != nil {
		return err
	}
	s := &section{database: "SQLite", seeded: seeded}
	if err := measure(ctx, cfg, journal, small, plain, s); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	r.sections = append(r.sections, s)
	return nil
}

// cachedSQLite returns the address of the large journal. Its name tells size and schema; another schema's is removed.
func cachedSQLite(ctx context.Context, cfg settings) (address string, s seeding, err error) {
	version, err := fingerprint("internal/store/migrations/sqlite", "internal/seed")
	if err != nil {
		return "", s, err
	}
	prefix, err := filepath.Abs(filepath.Join(cache, fmt.Sprintf("sqlite-%d-", cfg.entries)))
	if err != nil {
		return "", s, err
	}
	path := prefix + version + ".db"
	if text, err := os.ReadFile(path + ".json"); err == nil {
		err = json.Unmarshal(text, &s)
		return "file:" + path, s, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", s, err
	}
	old, err := filepath.Glob(prefix + "*")
	if err != nil {
		return "", s, err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return "", s, err
		}
	}
	if s, err = seedJournal(ctx, cfg, "file:"+path, cfg.entries); err != nil {
		return "", s, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", s, err
	}
	return "file:" + path, s, os.WriteFile(path+".json", text, 0o600) // last: it says that the journal is complete
}

// fingerprint is a digest of the sources that make the rows what they are.
func fingerprint(directories ...string) (string, error) {
	hash := sha256.New()
	for _, directory := range directories {
		names, err := filepath.Glob(filepath.Join(directory, "*"))
		if err != nil {
			return "", err
		}
		for _, name := range slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, "_test.go") }) {
			text, err := os.ReadFile(name)
			if err != nil {
				return "", err
			}
			hash.Write(text)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// onPostgres starts a server of its own, durable as in production, and seeds it: the data goes with the server.
func onPostgres(ctx context.Context, cfg settings, r *report) (err error) {
	server, err := testpostgres.Open(testpostgres.WithDurability())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	var databases [3]testpostgres.Database // of the large journal, the small one, and the rows that are no journal
	for i := range databases {
		if databases[i], err = server.CreateDatabase(ctx); err != nil {
			return err
		}
	}
	s := &section{database: "PostgreSQL"}
	if s.seeded, err = seedJournal(ctx, cfg, databases[0].OwnerURL, cfg.entries); err != nil {
		return err
	}
	if _, err := seedJournal(ctx, cfg, databases[1].OwnerURL, smallEntries); err != nil {
		return err
	}
	// Autovacuum would do it in a minute or two, in the middle of a measurement.
	for _, d := range databases[:2] {
		if s.version, err = settle(ctx, d.SuperuserURL); err != nil {
			return err
		}
	}
	if err := measure(ctx, cfg, databases[0].OwnerURL, databases[1].OwnerURL, databases[2].OwnerURL, s); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	r.sections = append(r.sections, s)
	return nil
}

// settle vacuums, writes a checkpoint and returns the server's version.
func settle(ctx context.Context, address string) (version string, err error) {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, connection.Close(ctx)) }()
	for _, sql := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := connection.Exec(ctx, sql); err != nil {
			return "", fmt.Errorf("%s: %w", sql, err)
		}
	}
	err = connection.QueryRow(ctx, "SHOW server_version").Scan(&version)
	return version, err
}
