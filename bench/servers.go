package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// patience bounds what should take no time at all: a start, an answer.
const patience = time.Minute

// server is a process that answers HTTP.
type server struct {
	process *exec.Cmd
	log     *os.File
	address string // http://HOST:PORT
	client  *http.Client
}

func startProduct(ctx context.Context, cfg settings, databaseURL string) (*server, error) {
	command := exec.CommandContext(ctx, cfg.product, "serve", "--listen=127.0.0.1:0")
	command.Env = append(os.Environ(), "DATABASE_URL="+databaseURL)
	return start(ctx, command)
}

func startLimit(ctx context.Context, journal, plain string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, exec.CommandContext(ctx, self, limitArg, journal, plain))
}

// start runs a server and waits until it has said where it listens. It writes into a file, which costs us nothing to read.
func start(ctx context.Context, command *exec.Cmd) (*server, error) {
	log, err := os.CreateTemp(cache, "server-*.log")
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = patience
	s := &server{process: command, log: log, client: &http.Client{Timeout: patience}}
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, s.removeLog())
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	said := regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`)
	for {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		if s.address = string(said.Find(text)); s.address != "" {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s does not start: %s", command.Path, text), s.stop())
		}
	}
}

func (s *server) stop() error {
	s.client.CloseIdleConnections()
	err := s.process.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	late := time.AfterFunc(patience, func() { _ = s.process.Process.Kill() })
	defer late.Stop()
	return errors.Join(err, s.process.Wait(), s.removeLog())
}

func (s *server) removeLog() error { return errors.Join(s.log.Close(), os.Remove(s.log.Name())) }

// question is a request that can be asked again and again.
type question struct {
	server *server
	path   string
	body   []byte // nil: GET
}

// ask returns the answer and how long it took to the last byte.
func (q question) ask(ctx context.Context) ([]byte, time.Duration, error) {
	method := http.MethodGet
	if q.body != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, q.server.address+q.path, bytes.NewReader(q.body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/graphql-response+json, application/json")
	start := time.Now()
	response, err := q.server.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	took := time.Since(start)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", q.path, response.Status, answer)
	}
	return answer, took, err
}
