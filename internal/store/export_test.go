package store

import (
	"context"
	"database/sql"
	"net"
	"time"
)

// Pools are the connections that the store reads and writes with.
func (s *Store) Pools() (read, write *sql.DB) { return s.read, s.write }

// DoubtAfter makes Listen doubt its connection after so long without notification.
func (s *Store) DoubtAfter(silence time.Duration) { s.silence = silence }

// ListenOver makes Listen use what wrap returns for each connection to PostgreSQL.
func (s *Store) ListenOver(wrap func(net.Conn) net.Conn) {
	dial := s.feed.DialFunc
	s.feed.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
}
