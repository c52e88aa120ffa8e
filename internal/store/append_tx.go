package store

import (
	"context"

	"entgo.io/ent/dialect"
)

// inAppendTx runs f in one transaction of the account on the store's database and commits it when f returns nil.
func (s *Store) inAppendTx(ctx context.Context, accountID int64, f func(appendTx) error) error {
	if s.dialect == dialect.Postgres {
		return s.inPostgresTx(ctx, accountID, f)
	}
	return s.inSQLiteTx(ctx, accountID, f)
}
