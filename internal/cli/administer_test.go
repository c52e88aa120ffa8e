package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// carryOut runs a command line on a database and returns what it prints on standard output.
func carryOut(t *testing.T, databaseURL string, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	parsed, err := parserOf(t, new(commands), &out).Parse(append(args, "--database-url="+databaseURL, "--log-level=error"))
	require.NoError(t, err)
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, nowhere.Close()) }()
	parsed.Bind(&streams{in: strings.NewReader(""), out: &out, err: nowhere})
	err = parsed.Run()
	return out.String(), err
}

func TestFaultsOfATokenAreToldWithItsFlags(t *testing.T) {
	t.Parallel()
	databaseURL := "file:" + filepath.Join(t.TempDir(), "journal.db")
	for want, args := range map[string][]string{
		"--name: must have 1 to 100 characters, has 0":    {"--role=writer", "--name="},
		"--user: must be given for the role READER":       {"--role=reader", "--name=a"},
		"--user: must not have control characters":        {"--role=reader", "--name=a", "--user=a\tb"},
		"--expires: must be within 10 years, or never":    {"--role=writer", "--name=a", "--expires=4000d"},
		"--role: must be writer, reader, auditor, admin ": {"--role=owner", "--name=a"},
	} {
		printed, err := carryOut(t, databaseURL, append([]string{"token", "create"}, args...)...)
		require.ErrorContains(t, err, want)
		require.Empty(t, printed)
	}
	_, err := carryOut(t, databaseURL, "account", "create", "acme", "--name="+strings.Repeat("a", 201))
	require.ErrorContains(t, err, "--name: must have 1 to 200 characters")
}

func TestATokenOfAnotherAccountIsLookedForWithItsFlag(t *testing.T) {
	t.Parallel()
	databaseURL := "file:" + filepath.Join(t.TempDir(), "journal.db")
	_, err := carryOut(t, databaseURL, "token", "revoke", "7")
	require.EqualError(t, err, "id: there is no such token in account default; --account names another")
}

// Accounts are never deleted.
func TestAnImportThatCannotBeginCreatesNoAccount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	databaseURL := "file:" + filepath.Join(dir, "journal.db")
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	export, missing := file("export.json", "[]"), filepath.Join(dir, "missing.json")
	good, bad := file("good.json", `{"alice": "acme"}`), file("bad.json", `{"alice": "acme", "bob": "under_score"}`)
	for want, args := range map[string][]string{
		"missing.json: no such file or directory": {missing, "--account=globex", "--account-map=" + good},
		`bad.json: account "under_score": slug: `: {export, "--account-map=" + bad},
		"--account: slug: must be 1 to 63":        {export, "--account=Globex", "--account-map=" + good},
	} {
		for _, dry := range []string{"", "--dry-run"} {
			line := append([]string{"import", "--create-account"}, args...)
			if dry != "" {
				line = append(line, dry)
			}
			_, err := carryOut(t, databaseURL, line...)
			require.ErrorContains(t, err, want, dry)
		}
	}
	list, err := carryOut(t, databaseURL, "account", "list")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(list, "\n"), list)

	_, err = carryOut(t, databaseURL, "import", "--create-account", export, "--account=globex", "--account-map="+good)
	require.NoError(t, err)
	list, err = carryOut(t, databaseURL, "account", "list")
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(list, "\n"), list)
}

// The parser would take U+FFFD for what is no UTF-8, and so create users and accounts of other names.
func TestWhatIsNoUTF8IsRefused(t *testing.T) {
	t.Parallel()
	require.NoError(t, readable([]string{"token", "--user=José"}, []string{"SAMJOURNAL_TOKEN_USER=José", "LC_ALL=\xff"}))
	require.EqualError(t, readable([]string{"token", "--user=Jos\xe9"}, nil), `argument 2, "--user=Jos\xe9", is not valid UTF-8`)
	require.EqualError(t, readable(nil, []string{"SAMJOURNAL_TOKEN_USER=Jos\xe9"}),
		"the environment variable SAMJOURNAL_TOKEN_USER is not valid UTF-8")
	require.Equal(t, unreadable, Main([]string{"version", "\xff"}))
}
