package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the driver

	"samjournal/internal/model"
)

const pageSize = 50

// The limit is a server for two questions only, written as directly as Go and the driver allow: one statement, no GraphQL,
// no checks, and the JSON put together by hand. GET /page answers a page as the product does, byte for byte but for white
// space; POST /entry inserts one row in a transaction of its own, without a head, digests, redaction, triggers or checks.
type limit struct {
	accountID int64
	mark      string // before the number of a parameter
	each      func(ctx context.Context, sql string, args []any, row func(scan func(...any) error) error) error
	insert    func(ctx context.Context, args []any) error
	size      atomic.Int64 // rows inserted
}

// plainTable is what somebody would start with.
const plainTable = `CREATE TABLE plain (account_id bigint NOT NULL, position bigint NOT NULL, key varchar NOT NULL,
	created_at %s NOT NULL, username varchar, thing varchar NOT NULL, command varchar NOT NULL, status_code smallint NOT NULL,
	request text NOT NULL, response text NOT NULL, PRIMARY KEY (account_id, key), UNIQUE (account_id, position))`

const plainInsert = `INSERT INTO plain (account_id, position, key, created_at, username, thing, command, status_code, request,
	response) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

func serveLimit(ctx context.Context, journal, plain string) error {
	open := openLimitSQLite
	if !strings.HasPrefix(journal, "file:") {
		open = openLimitPostgres
	}
	l, closeAll, err := open(ctx, journal, plain)
	if err != nil {
		return err
	}
	defer closeAll()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", answering(l.page))
	mux.HandleFunc("POST /entry", answering(l.entry))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintf(os.Stderr, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func answering(f func(*http.Request) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the client has gone
	}
}

func openLimitPostgres(ctx context.Context, journal, plain string) (*limit, func(), error) {
	read, err := pgxpool.New(ctx, journal)
	if err != nil {
		return nil, nil, err
	}
	write, err := pgxpool.New(ctx, plain)
	if err != nil {
		read.Close()
		return nil, nil, err
	}
	l := &limit{mark: "$"}
	l.each = func(ctx context.Context, text string, args []any, row func(func(...any) error) error) error {
		rows, err := read.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	l.insert = func(ctx context.Context, args []any) error {
		_, err := write.Exec(ctx, plainInsert, args...)
		return err
	}
	err = read.QueryRow(ctx, "SELECT id FROM accounts WHERE slug = 'default'").Scan(&l.accountID)
	if err == nil {
		_, err = write.Exec(ctx, fmt.Sprintf(plainTable, "timestamptz"))
	}
	return l, func() { read.Close(); write.Close() }, err
}

func openLimitSQLite(ctx context.Context, journal, plain string) (*limit, func(), error) {
	const settings = "?_time_integer_format=unix_micro&_inttotime=1&_timezone=UTC&_journal_mode=WAL&_synchronous=FULL"
	read, err := sql.Open("sqlite", journal+settings)
	if err != nil {
		return nil, nil, err
	}
	write, err := sql.Open("sqlite", plain+settings)
	if err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	write.SetMaxOpenConns(1)
	l := &limit{mark: "?"}
	prepared := map[string]*sql.Stmt{} // one client asks, one question at a time
	l.each = func(ctx context.Context, text string, args []any, row func(func(...any) error) error) error {
		statement := prepared[text]
		if statement == nil {
			if statement, err = read.PrepareContext(ctx, text); err != nil {
				return err
			}
			prepared[text] = statement
		}
		rows, err := statement.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err = read.QueryRowContext(ctx, "SELECT id FROM accounts WHERE slug = 'default'").Scan(&l.accountID)
	if err == nil {
		_, err = write.ExecContext(ctx, fmt.Sprintf(plainTable, "datetime"))
	}
	insert := strings.ReplaceAll(plainInsert, "$", "?")
	l.insert = func(ctx context.Context, args []any) error {
		_, err := write.ExecContext(ctx, insert, args...)
		return err
	}
	return l, func() { _ = errors.Join(read.Close(), write.Close()) }, err
}

// statement writes the one statement of a page.
func (l *limit) statement(v url.Values) (text string, args []any, order model.Order, err error) {
	args = []any{l.accountID}
	parameter := func(value any) string {
		args = append(args, value)
		return l.mark + strconv.Itoa(len(args))
	}
	text = "SELECT key, position, created_at, thing, command, status_code, username FROM entries WHERE account_id = " + l.mark + "1"
	if thing := v.Get("thing"); thing != "" {
		text += " AND thing = " + parameter(thing)
	}
	order = model.OrderPosition
	if v.Get("order") == model.OrderCreatedAt.String() {
		order = model.OrderCreatedAt
	}
	compare, direction := " < ", " DESC"
	if v.Get("backward") != "" {
		compare, direction = " > ", " ASC"
	}
	if at := v.Get("cursor"); at != "" {
		cursor, err := model.ParseCursor(l.accountID, at)
		if err != nil {
			return "", nil, 0, err
		}
		if order == model.OrderCreatedAt {
			text += " AND (created_at, position)" + compare + "(" + parameter(cursor.CreatedAt) + ", " + parameter(cursor.Position) + ")"
		} else {
			text += " AND position" + compare + parameter(cursor.Position)
		}
	}
	if order == model.OrderCreatedAt {
		text += " ORDER BY created_at" + direction + ", position" + direction
	} else {
		text += " ORDER BY position" + direction
	}
	return text + " LIMIT " + strconv.Itoa(pageSize+1), args, order, nil
}

func (l *limit) page(r *http.Request) ([]byte, error) {
	v := r.URL.Query()
	text, args, order, err := l.statement(v)
	if err != nil {
		return nil, err
	}
	var (
		key            string
		position       int64
		createdAt      time.Time
		thing, command string
		status         int
		username       *string
		edges          = make([][]byte, 0, pageSize+1)
		cursors        = make([]string, 0, pageSize+1)
	)
	err = l.each(r.Context(), text, args, func(scan func(...any) error) error {
		if err := scan(&key, &position, &createdAt, &thing, &command, &status, &username); err != nil {
			return err
		}
		cursor := model.EntryCursor(order, position, key, createdAt).Encode(l.accountID)
		b := make([]byte, 0, 512)
		b = append(b, `{"cursor":"`...)
		b = append(b, cursor...)
		b = append(b, `","node":{"key":"`...)
		b = append(b, key...)
		b = append(b, `","createdAt":"`...)
		b = createdAt.UTC().AppendFormat(b, model.TimeLayout)
		b = append(b, `","thing":"`...)
		b = append(b, model.Thing(thing).GraphQL()...)
		b = append(b, `","command":"`...)
		b = append(b, model.Command(command).GraphQL()...)
		b = append(b, `","statusCode":`...)
		b = strconv.AppendInt(b, int64(status), 10)
		if username == nil {
			b = append(b, `,"user":null}}`...)
		} else {
			b = append(b, `,"user":{"username":`...)
			b = strconv.AppendQuote(b, *username)
			b = append(b, `}}}`...)
		}
		edges, cursors = append(edges, b), append(cursors, cursor)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return connection(edges, cursors, v.Get("backward") != "", v.Get("cursor") != ""), nil
}

// connection puts the page together. The last edge was only asked for to know whether there is more.
func connection(edges [][]byte, cursors []string, backward, inside bool) []byte {
	more := len(edges) > pageSize
	if more {
		edges, cursors = edges[:pageSize], cursors[:pageSize]
	}
	next, previous := more, inside
	first, last, step := 0, len(edges)-1, 1
	if backward {
		next, previous = inside, more
		first, last, step = last, first, -1
	}
	b := make([]byte, 0, 64<<10)
	b = append(b, `{"data":{"entries":{"edges":[`...)
	for i := range edges {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, edges[first+step*i]...)
	}
	b = append(b, `],"pageInfo":{"hasNextPage":`...)
	b = strconv.AppendBool(b, next)
	b = append(b, `,"hasPreviousPage":`...)
	b = strconv.AppendBool(b, previous)
	if len(edges) > 0 {
		b = append(b, `,"startCursor":"`...)
		b = append(b, cursors[first]...)
		b = append(b, `","endCursor":"`...)
		b = append(b, cursors[last]...)
		b = append(b, '"')
	}
	return append(b, `}}}}`...)
}

// newEntry is what both servers are given to append.
type newEntry struct {
	Key        string          `json:"key"`
	Username   string          `json:"username"`
	Thing      string          `json:"thing"`
	Command    string          `json:"command"`
	StatusCode int             `json:"statusCode"`
	Request    json.RawMessage `json:"request"`
	Response   json.RawMessage `json:"response"`
}

func (l *limit) entry(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var e newEntry
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	position, now := l.size.Add(1)-1, model.Microseconds(time.Now())
	err = l.insert(r.Context(), []any{
		l.accountID, position, e.Key, now, e.Username, e.Thing, e.Command, e.StatusCode, string(e.Request), string(e.Response),
	})
	return []byte(`{"position":` + strconv.FormatInt(position, 10) + `}`), err
}
