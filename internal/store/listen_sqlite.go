package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// fileGlance is how often the file is asked whether it has changed: people see at once what appears within 0.1 s, and a glance
// is a look at shared memory and one at the directory, about 0.01 ms. All of them are about 1 % of a processor, most of it for
// waking up, and only while somebody subscribes.
const fileGlance = 50 * time.Millisecond

// watchFile watches the file on a connection of its own: PRAGMA data_version is another number after a commit of any other
// connection, in whatever process. Whose commit it was it does not say. A file that was deleted or replaced is an error, not a
// commit: the store's connections still have the one they opened, and a new one would see another journal than they do.
func (s *Store) watchFile(ctx context.Context, committed func(int64), begun func()) (err error) {
	if err := s.inPlace(); err != nil {
		return err
	}
	db, err := s.watching()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("watch the database file: %w", err)
	}
	defer conn.Close()
	last, err := dataVersion(ctx, conn)
	if err != nil {
		return err
	}
	begun()
	ticker := time.NewTicker(fileGlance)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now, err := dataVersion(ctx, conn)
		if err := errors.Join(err, s.inPlace()); err != nil {
			return err
		}
		if now != last {
			last = now
			committed(0)
		}
	}
}

func dataVersion(ctx context.Context, conn *sql.Conn) (version int64, err error) {
	if err = conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("watch the database file: %w", err)
	}
	return version, nil
}
