package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"samjournal/internal/config"
	"samjournal/internal/model"
)

// parserOf reads command lines into cmds as Main does, and ends no process.
func parserOf(t testing.TB, cmds *commands, out *strings.Builder) *kong.Kong {
	t.Helper()
	parser, err := newParser(t.Context(), cmds, kong.Writers(out, out), kong.Exit(func(int) {}))
	require.NoError(t, err)
	return parser
}

// leaves are the commands that can be run.
func leaves(t testing.TB) []*kong.Node {
	t.Helper()
	found := parserOf(t, new(commands), new(strings.Builder)).Model.Leaves(false)
	require.Greater(t, len(found), 7)
	return found
}

func TestEveryFlagIsAnEnvironmentVariableTooAndExplained(t *testing.T) {
	t.Parallel()
	variables := map[string]string{}
	for _, leaf := range leaves(t) {
		for _, group := range leaf.AllFlags(false) {
			for _, flag := range group {
				if flag.Name == "help" {
					continue
				}
				at := leaf.FullPath() + " --" + flag.Name
				require.NotEmpty(t, flag.Help, at)
				require.Len(t, flag.Envs, 1, at)
				name := flag.Envs[0]
				require.True(t, name == "DATABASE_URL" || strings.HasPrefix(name, "SAMJOURNAL_"), "%s: %s", at, name)
				if other, known := variables[name]; known {
					require.Equal(t, flag.Name, other, "one variable has one meaning: %s", name)
				}
				variables[name] = flag.Name
			}
		}
	}
	require.Equal(t, "listen", variables["SAMJOURNAL_LISTEN"])
	require.Equal(t, "database-url", variables["DATABASE_URL"])
}

func TestTheHelpOfEveryCommandTeaches(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		require.NotEmpty(t, leaf.Help, leaf.FullPath())
		path := strings.Fields(leaf.Path())
		var out strings.Builder
		_, _ = parserOf(t, new(commands), &out).Parse(append(path, "--help")) // its error is that nothing ended the process
		require.Contains(t, out.String(), "Usage: samjournal "+strings.Join(path, " "))
		require.Contains(t, out.String(), strings.Fields(leaf.Help)[0])
		if leaf.Name != "version" {
			require.NotEmpty(t, leaf.Detail, "%s has nothing to teach", leaf.FullPath())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			require.LessOrEqual(t, len([]rune(line)), 120, line)
		}
	}
}

func TestFieldsOfTheConfigurationAreFlags(t *testing.T) {
	t.Parallel()
	for _, part := range []any{
		config.Server{},
		config.Access{},
		config.OIDC{},
		config.SignIn{},
		config.Documents{},
		config.Limits{},
		config.Rates{},
		config.Database{},
		config.Redaction{},
		config.Digest{},
		config.Log{},
	} {
		for field := range reflect.TypeOf(part).Fields() {
			if field.Type.Kind() == reflect.Struct {
				continue // it is in the list itself
			}
			require.NotEmpty(t, field.Tag.Get("env"), "%T.%s", part, field.Name)
			require.NotEmpty(t, field.Tag.Get("help"), "%T.%s", part, field.Name)
		}
	}
}

func TestServeIsTheDefaultCommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--listen=127.0.0.1:1"}} {
		parsed, err := parserOf(t, new(commands), new(strings.Builder)).Parse(args)
		require.NoError(t, err)
		require.Equal(t, "serve", parsed.Command())
	}
}

// signsIn is a command line on which people sign in to the console, with a further flag.
func signsIn(flag string) []string {
	return []string{
		"serve", "--auth=required", "--oidc-issuers=https://id.example.com", "--oidc-audiences=journal",
		"--console-oidc-client-id=console", flag,
	}
}

func TestEveryValueOutOfRangeIsRefusedWithItsFlag(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"serve", "--listen=127.0.0.1"},
		{"serve", "--listen="},
		{"serve", "--listen=0.0.0.0:1"},
		{"serve", "--auth=perhaps"},
		{"serve", "--auth=required", "--insecure-no-auth"},
		{"serve", "--allowed-origins=app.example.com"},
		{"serve", "--allowed-origins=https://app.example.com/"},
		{"serve", "--auth=required", "--trusted-proxies=proxy"},
		{"serve", "--trusted-proxies=10.0.0.0/8"},
		{"serve", "--tls-cert=cert.pem"},
		{"serve", "--auth=required", "--oidc-algorithms=RS256,HS256"},
		{"serve", "--auth=required", "--oidc-algorithms=none"},
		{"serve", "--oidc-audiences=journal", "--oidc-issuers=https://id.example.com"},
		{"serve", "--auth=required", "--oidc-issuers=https://id.example.com", "--oidc-audiences="},
		{"serve", "--auth=required", "--oidc-skew=3m"},
		{"serve", "--auth=required", "--console-oidc-client-id=console"},
		{"serve", "--auth=required", "--console-oidc-issuer=https://id.example.com"},
		{"serve", "--auth=required", "--console-oidc-parameters=resource=urn:journal"},
		signsIn("--console-oidc-issuer=https://another.example.com"),
		signsIn("--console-oidc-scopes=profile"),
		signsIn("--console-oidc-parameters=state=mine"),
		{"serve", "--max-query-bytes=0"},
		{"serve", "--max-query-nesting=1001"},
		{"serve", "--max-query-nested-bytes=0"},
		{"serve", "--max-query-variables=0"},
		{"serve", "--max-exports=0"},
		{"export", "--format=xml"},
		{"export", "--format=csv"},
		{"export", "--resume"},
		{"serve", "--max-query-tokens=0"},
		{"serve", "--max-query-depth=0"},
		{"serve", "--max-query-cost=0"},
		{"serve", "--max-query-checks=0"},
		{"serve", "--document-cache-bytes=-1"},
		{"serve", "--max-answer-bytes=1"},
		{"serve", "--max-tcp-connections=-1"},
		{"serve", "--max-running-operations=0"},
		{"serve", "--max-intake-bytes=0"},
		{"serve", "--operation-timeout=0s"},
		{"serve", "--read-header-timeout=1h"},
		{"serve", "--idle-timeout=0s"},
		{"serve", "--rate-viewer-requests=-1"},
		{"serve", "--rate-failed-logins=-1"},
		{"serve", "--max-body-bytes=1"},
		{"serve", "--max-body-bytes=99999999999"},
		{"serve", "--payload-limit=-1"},
		{"serve", "--payload-limit=1023"},
		{"serve", "--feed-poll=1ms"},
		{"serve", "--feed-poll=2m"},
		{"serve", "--shutdown-timeout=0s"},
		{"serve", "--drain-delay=-1s"},
		{"serve", "--database-max-conns=1"},
		{"serve", "--digest-key=abc"},
		{"serve", "--redact-things=Toaster"},
		{"serve", "--log-level=loud"},
		{"serve", "--log-format=xml"},
		{"serve", "--migrate=perhaps"},
		{"import", "x.json", "--truncate=5"},
		{"import", "x.json", "--batch-rows=0"},
		{"import", "x.json", "--missing-created-at=yesterday"},
		{"seed", "--entries=0"},
		{"seed", "--end=tomorrow"},
		{"redact", "--part=middle"},
		{"redact", "--thing=Toaster"},
	} {
		flag, _, _ := strings.Cut(args[len(args)-1], "=")
		parser := parserOf(t, new(commands), new(strings.Builder))
		parsed, err := parser.Parse(args)
		if err == nil {
			parsed.Bind(&streams{in: strings.NewReader("{}"), out: new(strings.Builder), err: os.Stderr})
			err = parsed.Run()
		}
		require.ErrorContains(t, err, flag, strings.Join(args, " "))
		if _, ours, found := strings.Cut(err.Error(), "(SAMJOURNAL_"); found {
			variable, _, _ := strings.Cut(ours, ")")
			require.Contains(t, variables(t), "SAMJOURNAL_"+variable, strings.Join(args, " "))
		}
	}
}

// variables are the environment variables of all flags.
func variables(t testing.TB) (names []string) {
	t.Helper()
	for _, leaf := range leaves(t) {
		for _, group := range leaf.AllFlags(false) {
			for _, flag := range group {
				names = append(names, flag.Envs...)
			}
		}
	}
	return names
}

func TestWhatIsWrongOfAccessNamesFlagAndVariable(t *testing.T) {
	t.Parallel()
	oidc := []string{"serve", "--auth=required", "--oidc-audiences=journal"}
	for want, args := range map[string][]string{
		"SAMJOURNAL_ALLOWED_ORIGINS": {"serve", "--allowed-origins=https://app.example.com/"},
		"SAMJOURNAL_OIDC_ISSUERS":    append(oidc, "--oidc-issuers=http://id.example.com"),
		"SAMJOURNAL_MAX_EXPORTS":     {"serve", "--max-exports=0"},
	} {
		_, err := parserOf(t, new(commands), new(strings.Builder)).Parse(args)
		require.ErrorContains(t, err, "("+want+")")
		flag, _, _ := strings.Cut(args[len(args)-1], "=")
		require.ErrorContains(t, err, flag)
	}
	for _, issuer := range []string{"https://id.example.com", "http://localhost:8080/realm", "http://[::1]:1"} {
		_, err := parserOf(t, new(commands), new(strings.Builder)).Parse(append(oidc, "--oidc-issuers="+issuer))
		require.NoError(t, err)
	}
}

func TestAMissingKeySetNamesItsFlag(t *testing.T) {
	t.Parallel()
	cfg := config.Access{Auth: "required", OIDC: config.OIDC{
		Issuers: []string{"https://id.example.com"}, Audiences: []string{"journal"},
		JWKSFile: filepath.Join(t.TempDir(), "none.json"), RoleClaim: "role",
	}}
	_, err := newAuthenticator(cfg, slog.New(slog.DiscardHandler), nil, model.Account{})
	require.ErrorContains(t, err, "--oidc-jwks-file (SAMJOURNAL_OIDC_JWKS_FILE)")
	require.ErrorContains(t, err, "none.json")
}

func TestTheGreetingIsOfAnAddressThatCanBeOpened(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"[::]:8443": "https://localhost:8443/", "0.0.0.0:8443": "https://localhost:8443/",
		"[::1]:8443": "https://[::1]:8443/", "192.0.2.1:8443": "https://192.0.2.1:8443/",
	} {
		var out strings.Builder
		cmd := &serveCmd{}
		cmd.Access.TLSCert = "cert.pem"
		cmd.greet(&streams{out: &out}, address)
		require.Contains(t, out.String(), "Console:    "+want+"\n")
	}
}

func TestAnInterruptedCommandHasAStatusOfItsOwn(t *testing.T) {
	t.Parallel()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, []int{0, 1, 3, 130, 1}, []int{
		status(t.Context(), nil),
		status(t.Context(), os.ErrNotExist),
		status(t.Context(), exitError(3)),
		status(done, context.Canceled),
		status(done, os.ErrNotExist),
	})
}
