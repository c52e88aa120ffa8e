package testpostgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

const (
	binariesVariable = "SAMJOURNAL_TEST_PG_BIN"
	serverVariable   = "SAMJOURNAL_TEST_POSTGRES_URL"
)

// errNoBinaries names the remedy, since it is read by whoever runs the tests for the first time.
var errNoBinaries = errors.New("testpostgres: no PostgreSQL server binaries found: run `make install-postgresql` " +
	"(Debian, Ubuntu: apt-get install --no-install-recommends postgresql), or set " + binariesVariable +
	" to the directory of initdb, or " + serverVariable + " to a superuser's address on a running server")

// findBinaries returns the directory that holds initdb, pg_ctl and postgres.
func findBinaries() (string, error) {
	if directory := os.Getenv(binariesVariable); directory != "" {
		if !holdsServer(directory) {
			return "", fmt.Errorf("testpostgres: %s=%s holds no initdb, pg_ctl and postgres", binariesVariable, directory)
		}
		return directory, nil
	}
	directories, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(directories, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		directories = append(directories, filepath.Dir(path))
	}
	for _, directory := range directories {
		if holdsServer(directory) {
			return directory, nil
		}
	}
	return "", errNoBinaries
}

func holdsServer(directory string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(directory, name)); err != nil {
			return false
		}
	}
	return true
}

// majorVersion reads 15 from /usr/lib/postgresql/15/bin; 0 is for a name that is no number.
func majorVersion(directory string) int {
	version, err := strconv.Atoi(filepath.Base(filepath.Dir(directory)))
	if err != nil {
		return 0
	}
	return version
}

// unprivileged returns whom the server runs as: nil, ourselves, unless we are root, whom PostgreSQL refuses.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // as SysProcAttr.Credential has it
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("testpostgres: PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

// makeDirectory makes the server's directory, with the superuser's password in it. Its name is short: the path of a Unix
// socket may have about 100 bytes.
func makeDirectory(password string, account *syscall.Credential) (string, error) {
	directory, err := os.MkdirTemp("", "samjournal-pg-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(directory, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		return "", errors.Join(err, os.RemoveAll(directory))
	}
	if account == nil {
		return directory, nil
	}
	for _, path := range []string{file, directory} {
		if err := os.Chown(path, int(account.Uid), int(account.Gid)); err != nil {
			return "", errors.Join(err, os.RemoveAll(directory))
		}
	}
	return directory, nil
}
