package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// The references insert the row that the product has stored, one by one, each in a transaction of its own, into a table with
// the same columns, checks and indexes as entries, but without triggers and foreign keys. Key and position are new each time.

// pgbench is PostgreSQL's own load generator.
type pgbench struct {
	binary, script string
	environment    []string
}

// openPgbench makes the table in the journal's database, and the script.
func openPgbench(ctx context.Context, address string) (_ appender, closeAll func() error, err error) {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, connection.Close(ctx)) }()
	for _, statement := range []string{
		"CREATE TABLE same (LIKE entries INCLUDING ALL)", "CREATE SEQUENCE same_position START 1 CACHE 1",
	} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	insert, err := insertOfStored(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	return newPgbench(address, insert)
}

// newPgbench makes a script of one statement for a database. remove removes it.
func newPgbench(address, statement string) (_ *pgbench, remove func() error, err error) {
	binary, err := exec.LookPath("pgbench")
	if err != nil {
		found, globErr := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
		if len(found) == 0 {
			return nil, nil, errors.Join(errors.New("pgbench is missing: it comes with PostgreSQL's server, "+
				"apt-get install postgresql"), err, globErr)
		}
		binary = found[len(found)-1]
	}
	script, err := os.CreateTemp(cache, "pgbench-*.sql")
	if err != nil {
		return nil, nil, err
	}
	_, err = script.WriteString(statement + ";\n")
	err = errors.Join(err, script.Close())
	if err != nil {
		return nil, nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, err
	}
	password, _ := u.User.Password()
	p := &pgbench{binary: binary, script: script.Name(), environment: append(os.Environ(),
		"PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password,
		"PGDATABASE="+strings.TrimPrefix(u.Path, "/"))}
	return p, func() error { return os.Remove(script.Name()) }, nil
}

// insertOfStored is an INSERT of the entry at position 0 with another key and position. pgbench takes a colon before a letter
// for a variable, so there is none.
func insertOfStored(ctx context.Context, connection *pgx.Conn) (string, error) {
	rows, err := connection.Query(ctx, `SELECT f.name, f.value FROM entries e, jsonb_each_text(to_jsonb(e)) AS f(name, value)
		WHERE e.position = 0`)
	if err != nil {
		return "", err
	}
	var names, values []string
	var name string
	var value *string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		names = append(names, name)
		switch {
		case name == "key":
			values = append(values, "md5(CAST(random() AS text)) || md5(CAST(random() AS text))")
		case name == "position":
			values = append(values, "nextval('same_position')")
		case value == nil:
			values = append(values, "NULL")
		default:
			text := strings.NewReplacer(`\`, `\\`, `'`, `''`, `:`, `\003A`).Replace(*value)
			values = append(values, "U&'"+text+"'")
		}
		return nil
	})
	if len(names) == 0 {
		err = errors.Join(err, errors.New("the journal is empty"))
	}
	return "INSERT INTO same (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")", err
}

func (p *pgbench) appendFor(ctx context.Context, callers int, d time.Duration) (entries int, took time.Duration, err error) {
	command := exec.CommandContext(ctx, p.binary, "--no-vacuum", "--protocol=prepared", "--client="+strconv.Itoa(callers),
		"--jobs="+strconv.Itoa(min(callers, 2)), fmt.Sprintf("--time=%.0f", d.Seconds()), "--file="+p.script)
	command.Env = p.environment
	text, err := command.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("pgbench: %w: %s", err, text)
	}
	found := regexp.MustCompile(`number of transactions actually processed: ([0-9]+)`).FindSubmatch(text)
	rate := regexp.MustCompile(`tps = ([0-9.]+) \(without`).FindSubmatch(text)
	if found == nil || rate == nil { // it tells no rate when its time was over before the clients were connected
		return 0, 0, fmt.Errorf("pgbench inserted nothing with %d clients in %s: the machine is too busy, or the turn too short: %s",
			callers, d, text)
	}
	if entries, err = strconv.Atoi(string(found[1])); err != nil {
		return 0, 0, err
	}
	perSecond, err := strconv.ParseFloat(string(rate[1]), 64)
	return entries, time.Duration(float64(entries) / perSecond * float64(time.Second)), err
}

// driver inserts with database/sql and the driver, in this process: no HTTP.
type driver struct {
	db       *sql.DB
	insert   string
	values   []any
	key, at  int // among the values
	position atomic.Int64
}

// openDriver makes the table in a file of its own, with the settings of the journal's writer.
func openDriver(ctx context.Context, journal, path string) (_ appender, closeAll func() error, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	d := &driver{db: db}
	if err := d.prepare(ctx, journal); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return d, db.Close, nil
}

func (d *driver) prepare(ctx context.Context, journal string) error {
	if _, err := d.db.ExecContext(ctx, "ATTACH DATABASE ? AS journal", journal); err != nil {
		return err
	}
	rows, err := d.db.QueryContext(ctx, `SELECT sql FROM journal.sqlite_master WHERE tbl_name = 'entries' AND sql IS NOT NULL
		AND type IN ('table', 'index') ORDER BY type DESC`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var statements []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		statements = append(statements, text)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := d.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	stored, err := d.db.QueryContext(ctx, "SELECT * FROM journal.entries WHERE position = 0") //nolint:unqueryvet // whatever
	if err != nil {
		return err
	}
	defer stored.Close()
	return d.take(stored)
}

// take reads the row to insert.
func (d *driver) take(stored *sql.Rows) error {
	names, err := stored.Columns()
	if err != nil {
		return err
	}
	d.values = make([]any, len(names))
	into := make([]any, len(names))
	for i, name := range names {
		into[i] = &d.values[i]
		switch name {
		case "key":
			d.key = i
		case "position":
			d.at = i
		}
	}
	if !stored.Next() {
		return errors.Join(errors.New("the journal is empty"), stored.Err())
	}
	d.insert = "INSERT INTO main.entries (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	return errors.Join(stored.Scan(into...), stored.Err())
}

func (d *driver) appendFor(ctx context.Context, callers int, turn time.Duration) (entries int, took time.Duration, err error) {
	statement, err := d.db.PrepareContext(ctx, d.insert)
	if err != nil {
		return 0, 0, err
	}
	defer statement.Close()
	var inserted atomic.Int64
	began := time.Now()
	running, ctx := errgroup.WithContext(ctx)
	for range callers {
		running.Go(func() error {
			for time.Since(began) < turn {
				values := append([]any(nil), d.values...)
				n := d.position.Add(1)
				values[d.key], values[d.at] = fmt.Sprintf("%016x%048x", uint64(n)*0x9e3779b97f4a7c15, n), n
				if _, err := statement.ExecContext(ctx, values...); err != nil {
					return err
				}
				inserted.Add(1)
			}
			return nil
		})
	}
	err = running.Wait()
	return int(inserted.Load()), time.Since(began), err
}
