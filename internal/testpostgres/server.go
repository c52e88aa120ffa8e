package testpostgres

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds initdb and the server's start together, on a machine that is busy.
const startTimeout = 2 * time.Minute

//go:embed run.sh
var runScript string

// StopMode says how a server is stopped.
type StopMode string

const (
	// Fast ends all connections, writes a checkpoint and stops: an orderly restart.
	Fast StopMode = "fast"
	// Immediate stops without a checkpoint, as a crash of the server would; the next start recovers from the log.
	Immediate StopMode = "immediate"
)

// Option changes how a server of one's own is started.
type Option func(*settings)

type settings struct {
	durable bool
	server  [][2]string
}

// WithDurability makes a commit wait until it is on disk, as in production.
func WithDurability() Option { return func(s *settings) { s.durable = true } }

// WithSetting sets a parameter of postgresql.conf, for example WithSetting("max_connections", "10").
func WithSetting(name, value string) Option {
	return func(s *settings) { s.server = append(s.server, [2]string{name, value}) }
}

// Server is one PostgreSQL server. Its methods are not safe for concurrent use, except NewDatabase and Exec.
type Server struct {
	address  *url.URL // of the superuser, in the database postgres
	ordering string   // the clause of CREATE DATABASE

	// The rest is empty for a server that is not ours.
	binaries  string
	directory string
	options   string
	account   *syscall.Credential // nil: as ourselves
	script    *exec.Cmd           // nil: stopped
	orders    *os.File            // the script's stdin
}

// Open starts a server. Close it, or let the end of the process do so.
func Open(options ...Option) (*Server, error) {
	var s settings
	for _, option := range options {
		option(&s)
	}
	binaries, err := findBinaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	directory, err := makeDirectory(password, account)
	if err != nil {
		return nil, err
	}
	server := &Server{binaries: binaries, directory: directory, account: account}
	if err := server.startAnywhere(s, password); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	if server.ordering, err = findOrdering(context.Background(), server.SuperuserURL()); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// startAnywhere starts the server on a free port. Another process may take the port before the server does: then on another.
func (s *Server) startAnywhere(set settings, password string) error {
	const attempts = 5
	var err error
	for range attempts {
		port, portErr := freePort()
		if portErr != nil {
			return portErr
		}
		s.options = set.commandLine(port, s.directory)
		s.address = &url.URL{
			Scheme: "postgres",
			User:   url.UserPassword("postgres", password),
			Host:   net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
			Path:   "/postgres",
		}
		if err = s.start(); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

// Start starts a server for one test, which ends with it.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	server, err := Open(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// SuperuserURL is the address of the database postgres, for the superuser.
func (s *Server) SuperuserURL() string { return s.address.String() }

// Exec runs statements as superuser in the database postgres.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	if err := s.execute(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server; its data stays, and Run starts it again at the same address.
func (s *Server) Stop(t testing.TB, mode StopMode) {
	t.Helper()
	if err := s.stop(mode); err != nil {
		t.Fatal(err)
	}
}

// Run starts a server that was stopped.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Restart stops the server and starts it again at the same address.
func (s *Server) Restart(t testing.TB, mode StopMode) {
	t.Helper()
	s.Stop(t, mode)
	s.Run(t)
}

// Close stops the server, if it runs, and removes its data.
func (s *Server) Close() error {
	if s.script == nil {
		return os.RemoveAll(s.directory)
	}
	err := errors.Join(s.orders.Close(), s.script.Wait())
	s.script = nil
	// The script cannot remove the directory itself where only root may write to its parent.
	return errors.Join(err, os.RemoveAll(s.directory))
}

func (s *Server) running() bool { return s.directory == "" || s.script != nil }

func (s *Server) stop(mode StopMode) error {
	if s.script == nil {
		return errors.New("testpostgres: the server is stopped already, or is not ours to stop")
	}
	_, err := fmt.Fprintln(s.orders, mode)
	err = errors.Join(err, s.script.Wait(), s.orders.Close())
	s.script = nil
	if err != nil {
		return fmt.Errorf("testpostgres: stop: %w\n%s", err, s.logs())
	}
	return nil
}

func (s *Server) start() error {
	if s.directory == "" || s.script != nil {
		return errors.New("testpostgres: the server runs already, or is not ours to start")
	}
	stdin, orders, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	answers, stdout, err := os.Pipe()
	if err != nil {
		return errors.Join(err, orders.Close())
	}
	defer answers.Close()

	script := exec.CommandContext(context.Background(), "sh", "-c", runScript, "run.sh", s.binaries, s.directory, s.options)
	script.Dir = s.directory
	script.Stdin, script.Stdout = stdin, stdout
	script.Env = append(os.Environ(), "LC_ALL=C", "PGDATA=")
	// A session of its own: an interrupt from the terminal is for the tests, and the script then sees them go.
	script.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.account}
	err = script.Start()
	err = errors.Join(err, stdout.Close())
	if err != nil {
		return errors.Join(err, orders.Close())
	}
	if err := awaitReady(answers); err != nil {
		logs := s.logs()
		return fmt.Errorf("testpostgres: start: %w\n%s", errors.Join(err, orders.Close(), script.Wait()), logs)
	}
	s.script, s.orders = script, orders
	return nil
}

func awaitReady(answers *os.File) error {
	if err := answers.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	line, err := bufio.NewReader(answers).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return errors.New("the server did not start")
	}
	if err == nil && line != "ready\n" {
		return fmt.Errorf("the server's script said %q", line)
	}
	return err
}

// logs returns what the server and its tools wrote, for an error message.
func (s *Server) logs() string {
	names, err := filepath.Glob(filepath.Join(s.directory, "*.log"))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Fprintf(&b, "%s:\n%s\n", filepath.Base(name), text)
	}
	return b.String()
}

// commandLine returns the server's options, quoted for the shell that pg_ctl passes them through.
func (s *settings) commandLine(port int, directory string) string {
	parameters := [][2]string{
		{"port", strconv.Itoa(port)},
		{"listen_addresses", "127.0.0.1"},
		{"unix_socket_directories", directory},
		{"max_connections", "200"},
		{"timezone", "Asia/Kathmandu"},
		{"log_timezone", "UTC"},
	}
	if !s.durable {
		parameters = append(parameters,
			[2]string{"fsync", "off"},
			[2]string{"full_page_writes", "off"},
			[2]string{"synchronous_commit", "off"})
	}
	var b strings.Builder
	for _, p := range append(parameters, s.server...) {
		fmt.Fprintf(&b, " -c '%s'", strings.ReplaceAll(p[0]+"="+p[1], "'", `'\''`))
	}
	return b.String()
}

func freePort() (int, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
