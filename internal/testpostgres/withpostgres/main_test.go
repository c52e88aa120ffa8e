package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestTheCommandsStatusIsOurs(t *testing.T) {
	t.Parallel()
	status, err := run([]string{"sh", "-c", "exit 7"})
	require.NoError(t, err)
	require.Equal(t, 7, status)
}

func TestACommandThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	status, err := run([]string{"/does/not/exist"})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotZero(t, status)
}

func TestTheDatabaseGoesWithTheCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "address")
	status, err := run([]string{"sh", "-c", `printf %s "$DATABASE_URL" >"$0"`, file})
	require.NoError(t, err)
	require.Zero(t, status)
	address, err := os.ReadFile(file)
	require.NoError(t, err)
	_, err = pgx.Connect(t.Context(), string(address))
	require.ErrorContains(t, err, "connection refused")
}
