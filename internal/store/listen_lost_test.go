package store_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"samjournal/internal/store"
	"samjournal/internal/testpostgres"
)

// pooler stands between a client and PostgreSQL as a pooler does, and may keep notifications for itself.
type pooler struct {
	url      string       // of the same database, through the pooler
	swallows atomic.Bool  // notifications do not reach the client
	address  string       // of PostgreSQL
	listener net.Listener // of clients

	running sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn // guarded by mu
}

func newPooler(t *testing.T, databaseURL string) *pooler {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &pooler{address: u.Host, listener: listener}
	u.Host, u.RawQuery = listener.Addr().String(), "sslmode=disable"
	p.url = u.String()
	p.running.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close() // ends serve
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *pooler) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.running.Go(func() { p.pass(client, server) })
	}
}

// pass joins a client to a server until one of them leaves.
func (p *pooler) pass(client, server net.Conn) {
	var there sync.WaitGroup
	there.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	defer there.Wait()
	defer client.Close()
	const header = 5 // each message of a server: its type and its length, which counts itself
	for {
		head := make([]byte, header)
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint32(head[1:]))
		message := slices.Grow(head, length)[:1+length]
		if _, err := io.ReadFull(server, message[header:]); err != nil {
			return
		}
		const notification = 'A'
		if message[0] == notification && p.swallows.Load() {
			continue
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// cut ends all connections.
func (p *pooler) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

// connectedAgain waits until commits are told; attempts that began too early may fail before.
func (e *ear) connectedAgain(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(hearing)
	for err := next(t, e.connected); err != nil; err = next(t, e.connected) {
		require.True(t, time.Now().Before(deadline), err)
	}
}

func TestAPoolerThatSwallowsNotificationsIsFoundOut(t *testing.T) {
	t.Parallel()
	database := testpostgres.New(t)
	p := newPooler(t, database)
	p.swallows.Store(true)
	s := open(t, p.url, store.Options{})
	require.NoError(t, s.Migrate(t.Context()))
	s.DoubtAfter(50 * time.Millisecond)
	e := listenTo(t, s)
	require.ErrorContains(t, next(t, e.connected), "SAMJOURNAL_FEED_DATABASE_URL", "it is connected, but hears nothing")

	p.swallows.Store(false)
	e.connectedAgain(t)
	appendOne(t, s, 'a')
	require.EqualValues(t, 1, next(t, e.committed))

	p.swallows.Store(true)
	require.ErrorContains(t, next(t, e.connected), "SAMJOURNAL_FEED_DATABASE_URL", "silence that only a probe can tell from peace")

	direct := listenTo(t, open(t, p.url, store.Options{FeedURL: database + "?pool_max_conns=3"}))
	require.NoError(t, next(t, direct.connected), "around the pooler")
}

func TestNotificationsOfAnotherDatabaseProveNothing(t *testing.T) {
	t.Parallel()
	database, another := testpostgres.New(t), testpostgres.New(t)
	e := listenTo(t, open(t, database, store.Options{FeedURL: another}))
	there, err := pgx.Connect(t.Context(), another)
	require.NoError(t, err)
	defer there.Close(t.Context())
	deadline := time.After(hearing)
	for {
		_, err := there.Exec(t.Context(), "NOTIFY samjournal_commit, '1 42'") // never silent for as long as a probe may take
		require.NoError(t, err)
		select {
		case err := <-e.connected:
			require.ErrorContains(t, err, "SAMJOURNAL_FEED_DATABASE_URL")
			return
		case <-e.committed:
		case <-deadline:
			require.FailNow(t, "it goes on waiting")
		}
	}
}

func TestProbesOfOthersAreNoCommits(t *testing.T) {
	t.Parallel()
	database := testpostgres.New(t)
	here, there := migrated(t, database), open(t, database, store.Options{})
	here.DoubtAfter(10 * time.Millisecond)
	there.DoubtAfter(10 * time.Millisecond)
	one, another := listenTo(t, here), listenTo(t, there)
	require.NoError(t, next(t, one.connected))
	require.NoError(t, next(t, another.connected))
	watch, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	defer watch.Close(t.Context())
	_, err = watch.Exec(t.Context(), "LISTEN samjournal_commit")
	require.NoError(t, err)
	for range 20 {
		note, err := watch.WaitForNotification(t.Context())
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(note.Payload, "probe "), note.Payload)
	}
	appendOne(t, here, 'a')
	for _, e := range []*ear{one, another} {
		require.EqualValues(t, 1, next(t, e.committed), "the first of which anybody hears")
		require.Empty(t, e.connected, "nobody doubts the connection any more")
	}
}

func TestANotificationThatCannotBeReadIsAHintAllTheSame(t *testing.T) {
	t.Parallel()
	db := testpostgres.NewDatabase(t)
	e := listenTo(t, migrated(t, db.OwnerURL))
	require.NoError(t, next(t, e.connected))
	db.Exec(t, "NOTIFY samjournal_commit, 'to whom it may concern'")
	require.Zero(t, next(t, e.committed), "some account")
	db.Exec(t, "NOTIFY samjournal_commit, '7 8'")
	require.EqualValues(t, 7, next(t, e.committed))
	require.Empty(t, e.connected, "it goes on listening")
}

func TestAListenerOutlivesRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	postgres := testpostgres.Start(t)
	s := migrated(t, postgres.NewDatabase(t).OwnerURL)
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))
	for i, mode := range []testpostgres.StopMode{testpostgres.Fast, testpostgres.Immediate} {
		postgres.Stop(t, mode)
		require.Error(t, next(t, e.connected))
		require.Error(t, next(t, e.connected), "nobody answers")
		postgres.Run(t)
		e.connectedAgain(t)
		appendOne(t, s, 'a'+byte(i))
		require.EqualValues(t, 1, next(t, e.committed))
	}
}

func TestListeningOftenLeavesNoConnectionBehind(t *testing.T) {
	t.Parallel()
	s := migrated(t, testpostgres.New(t))
	var open, dialed atomic.Int64
	s.ListenOver(func(conn net.Conn) net.Conn {
		open.Add(1)
		dialed.Add(1)
		return &counted{Conn: conn, closed: sync.OnceFunc(func() { open.Add(-1) })}
	})
	listenOften(t, s, func() {
		require.Zero(t, open.Load(), "Listen returns when its connection is gone")
	})
	require.GreaterOrEqual(t, dialed.Load(), int64(rounds/2))
}

// counted tells when it is closed.
type counted struct {
	net.Conn

	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

func TestListeningOftenLeavesNoFileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	s := migrated(t, "file:"+path)
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))
	once := filesOpen(t, path)
	e.stop()
	listenOften(t, s, func() {})
	// Not what it was before: SQLite may keep a descriptor for its next connection to the same file.
	require.Eventually(t, func() bool { return filesOpen(t, path) < once }, hearing, time.Millisecond)
}

const rounds = 40

// listenOften listens again and again, half of the time until commits are told.
func listenOften(t *testing.T, s *store.Store, stopped func()) {
	t.Helper()
	for round := range rounds {
		e := listenTo(t, s)
		if round%2 == 0 {
			require.NoError(t, next(t, e.connected))
		}
		e.stop()
		stopped()
	}
}

// filesOpen counts how often this process has a database file open.
func filesOpen(t *testing.T, path string) (n int) {
	t.Helper()
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", os.Getpid()))
	require.NoError(t, err)
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, path) {
			n++
		}
	}
	return n
}

func TestADatabaseFileThatIsReplacedIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	s := migrated(t, "file:"+path)
	e := listenTo(t, s)
	require.NoError(t, next(t, e.connected))

	require.NoError(t, os.Rename(path, path+".old"))
	require.ErrorContains(t, next(t, e.connected), path+" was deleted or moved while in use")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	for err := error(nil); err == nil || !strings.Contains(err.Error(), "was replaced"); {
		err = next(t, e.connected)
		require.Error(t, err, "another file is not followed: the store's connections do not, either")
	}

	require.NoError(t, os.Rename(path+".old", path))
	e.connectedAgain(t)
	appendOne(t, s, 'a')
	require.Zero(t, next(t, e.committed))
}
