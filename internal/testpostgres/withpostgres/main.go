// Withpostgres runs a command with DATABASE_URL naming an empty PostgreSQL database, which goes when the command ends.
// SUPERUSER_DATABASE_URL is the same database for the superuser.
//
// Usage: go run ./internal/testpostgres/withpostgres COMMAND [ARGUMENT]...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"samjournal/internal/testpostgres"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(status)
}

// run returns the command's exit status.
func run(arguments []string) (status int, err error) {
	if len(arguments) == 0 {
		return 2, errors.New("usage: withpostgres COMMAND [ARGUMENT]")
	}
	// An interrupt ends the command first, and the server after it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := testpostgres.Open()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	database, err := server.CreateDatabase(ctx)
	if err != nil {
		return 1, err
	}
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(),
		"DATABASE_URL="+database.OwnerURL, "SUPERUSER_DATABASE_URL="+database.SuperuserURL)
	err = command.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
