package store

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// wrappedConnector opens SQLite connections that report their statements, and whose transactions can be nested in one that
// is open already.
type wrappedConnector struct {
	driver.Connector

	log    func(query string, args []any)
	nested bool
}

// sqliteConn is what SQLite's driver offers and database/sql asks for.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// Connect opens a connection.
func (c *wrappedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("SQLite's driver has connections of another kind: %T", conn)
	}
	return &wrappedConn{sqliteConn: inner, log: c.log, nested: c.nested}, nil
}

// wrappedConn belongs to one goroutine at a time, as every driver.Conn does.
type wrappedConn struct {
	sqliteConn

	log    func(query string, args []any)
	nested bool
}

func (c *wrappedConn) report(query string, args []driver.NamedValue) {
	if c.log == nil {
		return
	}
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	c.log(query, values)
}

// ExecContext runs a statement.
func (c *wrappedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.report(query, args)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

// QueryContext runs a query.
func (c *wrappedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.report(query, args)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

// PrepareContext prepares a statement, which counts as running it, without arguments.
func (c *wrappedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.report(query, nil)
	return c.sqliteConn.PrepareContext(ctx, query)
}

// BeginTx begins a transaction, or a savepoint on a connection that nests.
func (c *wrappedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if !c.nested {
		return c.sqliteConn.BeginTx(ctx, opts)
	}
	if err := c.run(ctx, "SAVEPOINT nested"); err != nil {
		return nil, err
	}
	return savepoint{conn: c, ctx: context.WithoutCancel(ctx)}, nil
}

func (c *wrappedConn) run(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := c.ExecContext(ctx, statement, nil); err != nil {
			return err
		}
	}
	return nil
}

// savepoint is a transaction within the one that holds the migration lock.
type savepoint struct {
	conn *wrappedConn
	ctx  context.Context //nolint:containedctx // driver.Tx has methods without context
}

// Commit keeps what was done; it becomes durable with the outer transaction.
func (s savepoint) Commit() error { return s.conn.run(s.ctx, "RELEASE nested") }

// Rollback undoes what was done since the savepoint.
func (s savepoint) Rollback() error { return s.conn.run(s.ctx, "ROLLBACK TO nested", "RELEASE nested") }
