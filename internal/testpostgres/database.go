package testpostgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// dropTimeout bounds the removal of a database, which waits for nobody: connections to it are ended.
const dropTimeout = 30 * time.Second

// Database is one empty database with two roles, neither of which has any rights elsewhere.
type Database struct {
	// Name is unique on the server.
	Name string
	// OwnerRole owns the database and so may migrate it.
	OwnerRole string
	// OwnerURL is the address for OwnerRole.
	OwnerURL string
	// ServingRole may connect and has no rights in the database until it is granted some.
	ServingRole string
	// ServingURL is the address for ServingRole.
	ServingURL string
	// SuperuserURL is the address for whom no right is missing.
	SuperuserURL string

	password string // of both roles
}

// New returns the owner's address of an empty database, which is dropped when the test ends. It takes about 50 ms once
// the server runs.
func New(t testing.TB) string {
	t.Helper()
	return NewDatabase(t).OwnerURL
}

// NewDatabase is New for a test that needs the other roles too.
func NewDatabase(t testing.TB) Database {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return server.NewDatabase(t)
}

// shared is the server of this test process. It ends with the process, as the package's comment explains.
//
//nolint:gochecknoglobals // a process has one, and nothing but the process's end can tell when it is no longer needed
var shared = sync.OnceValues(func() (*Server, error) {
	address := os.Getenv(serverVariable)
	if address == "" {
		return Open()
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("testpostgres: %s is not an address", serverVariable) // the cause shows the password
	}
	ordering, err := findOrdering(context.Background(), address)
	return &Server{address: parsed, ordering: ordering}, err
})

// NewDatabase makes an empty database on this server, which is dropped when the test ends.
func (s *Server) NewDatabase(t testing.TB) Database {
	t.Helper()
	database := s.nameDatabase()
	t.Cleanup(func() {
		if !s.running() {
			return // the data goes with the server
		}
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout) // the test's own context is done by now
		defer cancel()
		err := s.execute(ctx, "DROP DATABASE IF EXISTS "+database.Name+" WITH (FORCE)",
			"DROP ROLE IF EXISTS "+database.OwnerRole, "DROP ROLE IF EXISTS "+database.ServingRole)
		if err != nil {
			t.Error(err)
		}
	})
	if err := s.create(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	return database
}

// CreateDatabase makes an empty database that stays as long as the server.
func (s *Server) CreateDatabase(ctx context.Context) (Database, error) {
	database := s.nameDatabase()
	return database, s.create(ctx, database)
}

func (s *Server) nameDatabase() Database {
	name := "test_" + strings.ToLower(rand.Text()[:16])
	owner, serving := name+"_owner", name+"_serving"
	password := rand.Text()
	return Database{
		Name:         name,
		OwnerRole:    owner,
		OwnerURL:     s.urlFor(name, url.UserPassword(owner, password)),
		ServingRole:  serving,
		ServingURL:   s.urlFor(name, url.UserPassword(serving, password)),
		SuperuserURL: s.urlFor(name, s.address.User),
		password:     password,
	}
}

func (s *Server) create(ctx context.Context, d Database) error {
	return s.execute(ctx,
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", d.OwnerRole, d.password),
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", d.ServingRole, d.password),
		fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' %s", d.Name, d.OwnerRole, s.ordering))
}

// Exec runs statements as superuser in the database.
func (d Database) Exec(t testing.TB, sql string) {
	t.Helper()
	if err := execute(t.Context(), d.SuperuserURL, sql); err != nil {
		t.Fatal(err)
	}
}

// findOrdering returns the clause that makes text sort by a language's rules, where the server can: since PostgreSQL 15,
// when built with ICU.
func findOrdering(ctx context.Context, address string) (string, error) {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err
	}
	var can bool
	err = connection.QueryRow(ctx, `SELECT current_setting('server_version_num')::int >= 150000
		AND EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')`).Scan(&can)
	if err = errors.Join(err, connection.Close(ctx)); err != nil || !can {
		return "", err
	}
	return "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", nil
}

func (s *Server) urlFor(database string, userinfo *url.Userinfo) string {
	address := *s.address
	address.Path, address.User = "/"+database, userinfo
	return address.String()
}

func (s *Server) execute(ctx context.Context, statements ...string) error {
	return execute(ctx, s.SuperuserURL(), statements...)
}

// execute runs each statement by itself, since CREATE and DROP DATABASE insist on it.
func execute(ctx context.Context, address string, statements ...string) error {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if _, err := connection.Exec(ctx, sql); err != nil {
			return errors.Join(fmt.Errorf("testpostgres: %s: %w", sql, err), connection.Close(ctx))
		}
	}
	return connection.Close(ctx)
}
