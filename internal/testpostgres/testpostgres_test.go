package testpostgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// childVariable tells a copy of this test binary to start a server, print its directory and address, and wait.
const childVariable = "SAMJOURNAL_TESTPOSTGRES_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

func child() {
	server, err := Open()
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stdout, server.directory, server.SuperuserURL())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		panic(err)
	}
	panic("the server must not outlive a panic")
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connection.Close(context.Background())) })
	return connection
}

func scalar[T any](t *testing.T, address, sql string) T {
	t.Helper()
	var value T
	require.NoError(t, connect(t, address).QueryRow(t.Context(), sql).Scan(&value))
	return value
}

func TestEachDatabaseIsEmptyAndItsOwners(t *testing.T) {
	t.Parallel()
	first, second := New(t), New(t)
	require.NotEqual(t, first, second)
	for _, address := range []string{first, second} {
		_, err := connect(t, address).Exec(t.Context(), "CREATE TABLE only_one_may_make_this (n int)")
		require.NoError(t, err)
	}
}

func TestTheServingRoleHasNoRightsUntilGranted(t *testing.T) {
	t.Parallel()
	database := NewDatabase(t)
	database.Exec(t, "CREATE TABLE entries (n int); INSERT INTO entries VALUES (1)")
	serving := connect(t, database.ServingURL)
	_, err := serving.Exec(t.Context(), "SELECT FROM entries")
	require.ErrorContains(t, err, "permission denied")
	database.Exec(t, "GRANT SELECT ON entries TO "+database.ServingRole)
	_, err = serving.Exec(t.Context(), "SELECT FROM entries")
	require.NoError(t, err)
}

//nolint:tparallel // the subtest's end is what is tested
func TestDatabaseAndRolesGoWithTheTest(t *testing.T) {
	t.Parallel()
	var database Database
	t.Run("which leaves a connection open", func(t *testing.T) {
		var left *pgx.Conn
		// Cleanups run last in, first out: this one after the database is gone, and the connection with it.
		t.Cleanup(func() { require.Error(t, left.Ping(context.Background())) })
		database = NewDatabase(t)
		var err error
		left, err = pgx.Connect(t.Context(), database.OwnerURL)
		require.NoError(t, err)
	})
	server, err := url.Parse(database.SuperuserURL)
	require.NoError(t, err)
	server.Path = "/postgres"
	left := scalar[int](t, server.String(), fmt.Sprintf(`SELECT (SELECT count(*) FROM pg_database WHERE datname = '%[1]s')
		+ (SELECT count(*) FROM pg_roles WHERE rolname LIKE '%[1]s%%')`, database.Name))
	require.Zero(t, left)
}

func TestTheServerIsUnlikeADevelopersMachine(t *testing.T) {
	t.Parallel()
	address := Start(t).NewDatabase(t).OwnerURL
	require.NotEqual(t, "UTC", scalar[string](t, address, "SHOW timezone"))
	require.True(t, scalar[bool](t, address, `SELECT 'a' < 'B' AND 'B' COLLATE "C" < 'a' COLLATE "C"`), "text sorts bytewise")
}

func TestDataOutlivesARestart(t *testing.T) {
	t.Parallel()
	server := Start(t, WithDurability(), WithSetting("max_connections", "7"))
	database := server.NewDatabase(t)
	require.Equal(t, "on", scalar[string](t, database.OwnerURL, "SHOW fsync"))
	require.Equal(t, "7", scalar[string](t, database.OwnerURL, "SHOW max_connections"))
	database.Exec(t, "CREATE TABLE entries (n int)")
	for i, mode := range []StopMode{Fast, Immediate} {
		database.Exec(t, "INSERT INTO entries VALUES (1)")
		server.Restart(t, mode)
		require.Equal(t, i+1, scalar[int](t, database.SuperuserURL, "SELECT count(*) FROM entries"), mode)
	}
}

func TestAStoppedServerRefusesConnections(t *testing.T) {
	t.Parallel()
	server := Start(t)
	address := server.NewDatabase(t).OwnerURL
	server.Stop(t, Immediate)
	_, err := pgx.Connect(t.Context(), address)
	require.ErrorContains(t, err, "connection refused")
}

func TestNoServerOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*exec.Cmd, io.Closer) error{
		"killed":   func(c *exec.Cmd, _ io.Closer) error { return c.Process.Kill() },
		"panicked": func(_ *exec.Cmd, stdin io.Closer) error { return stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			process := exec.CommandContext(context.Background(), os.Args[0])
			process.Env = append(os.Environ(), childVariable+"=1")
			stdin, err := process.StdinPipe()
			require.NoError(t, err)
			stdout, err := process.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, process.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			directory, address, _ := strings.Cut(strings.TrimSpace(line), " ")
			require.Equal(t, 1, scalar[int](t, address, "SELECT 1"))

			require.NoError(t, end(process, stdin))
			require.Error(t, process.Wait())
			require.Eventually(t, func() bool {
				_, err := os.Stat(directory)
				return os.IsNotExist(err)
			}, time.Minute, 10*time.Millisecond, "the data is still there")
			_, err = pgx.Connect(t.Context(), address)
			require.ErrorContains(t, err, "connection refused")
		})
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := Open(WithSetting("max_connections", "many"))
	require.ErrorContains(t, err, `invalid value for parameter "max_connections": "many"`)
}

func TestMissingBinariesAreAnErrorThatNamesThePlace(t *testing.T) {
	t.Setenv(binariesVariable, t.TempDir())
	_, err := findBinaries()
	require.ErrorContains(t, err, "holds no initdb")
	require.ErrorContains(t, errNoBinaries, "apt-get install")
}
