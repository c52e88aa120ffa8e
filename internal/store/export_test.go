package store

import "database/sql"

// Pools are the connections that the store reads and writes with.
func (s *Store) Pools() (read, write *sql.DB) { return s.read, s.write }
