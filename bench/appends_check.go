package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"samjournal/internal/model"
)

// keyNumber is where in a key its number begins: see caller.nextKey.
const keyNumber = 16

// storedEntries are the tables as they are, not as the product tells of them: totalCount is the head's size, which would be
// the same if entries were missing.
type storedEntries struct {
	size, rows, positions, first, last int64
	keys                               int64
	lastKey                            string // the number in it
}

// checkStored looks into the tables whether every entry that was answered for is there once, at a position of its own, without
// gap. Keys are numbered from 1, and each was answered for: as many different numbers up to the highest are all of them.
func checkStored(ctx context.Context, journal string, answered int) error {
	found, err := readStored(ctx, journal)
	if err != nil {
		return err
	}
	n := int64(answered)
	want := storedEntries{
		size: n, rows: n, positions: n, first: 0, last: n - 1, keys: n, lastKey: fmt.Sprintf("%0*x", model.KeyLength-keyNumber, n),
	}
	if found != want {
		return fmt.Errorf("%d entries were answered for: the tables must have %+v, and have %+v", n, want, found)
	}
	return nil
}

func readStored(ctx context.Context, journal string) (found storedEntries, err error) {
	query := fmt.Sprintf(`SELECT (SELECT max(size) FROM heads), count(*), count(DISTINCT position), coalesce(min(position), -1),
		coalesce(max(position), -1), count(DISTINCT substr(key, %[1]d)), coalesce(max(substr(key, %[1]d)), '') FROM entries`,
		keyNumber+1)
	into := []any{
		&found.size, &found.rows, &found.positions, &found.first, &found.last, &found.keys, &found.lastKey,
	}
	if path, isFile := strings.CutPrefix(journal, "file:"); isFile {
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
		if err != nil {
			return found, err
		}
		err = db.QueryRowContext(ctx, query).Scan(into...)
		return found, errors.Join(err, db.Close())
	}
	connection, err := pgx.Connect(ctx, journal)
	if err != nil {
		return found, err
	}
	err = connection.QueryRow(ctx, query).Scan(into...)
	return found, errors.Join(err, connection.Close(ctx))
}
