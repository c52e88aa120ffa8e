package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"samjournal/internal/auth"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Create an API token and print it, this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens of an account, without their secrets."`
	Revoke tokenRevokeCmd `cmd:"" help:"Make a token invalid for ever."`
}

type tokenCreateCmd struct {
	administering `embed:""`

	Account string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account that the token is for. Default: ${default}"`
	Role    string `required:"" env:"SAMJOURNAL_TOKEN_ROLE" placeholder:"ROLE" help:"writer (appends, reads nothing), reader (reads the entries of one user), auditor (reads all), admin (auditor that also manages tokens, users and settings) or operator (everything, in every account)."`
	Name    string `required:"" env:"SAMJOURNAL_TOKEN_NAME" placeholder:"NAME" help:"What the token is for, 1 to 100 characters."`
	User    string `env:"SAMJOURNAL_TOKEN_USER" placeholder:"USERNAME" help:"User that the token acts as; created when unknown. A reader needs one."`
	Expires string `default:"90d" env:"SAMJOURNAL_TOKEN_EXPIRES" placeholder:"TIME" help:"How long the token is valid: days (90d), hours (12h), or never. Default: ${default}"`
}

// Help teaches the command.
func (*tokenCreateCmd) Help() string {
	return `The token is printed on standard output and stored nowhere: only a digest of it is. Clients send it as
Authorization: Bearer sjt_…, on a WebSocket in the payload of connection_init.

  samjournal token create --account=acme --role=writer --name=ci --expires=90d
  samjournal token create --account=acme --role=reader --name="Alice's laptop" --user=alice
  samjournal token create --role=operator --name=metrics --expires=never`
}

// Run prints the token alone on standard output, and what it is on standard error.
func (c *tokenCreateCmd) Run(ctx context.Context, io *streams) error {
	role, err := model.ParseRole(c.Role)
	if err != nil {
		return fmt.Errorf("--%w", err)
	}
	input := auth.TokenInput{Name: c.Name, Role: role}
	if c.User != "" {
		input.Username = &c.User
	}
	now := time.Now()
	if input.ExpiresAt, err = expiry(now, c.Expires); err != nil {
		return err
	}
	return c.with(ctx, io, c.Account, func(ctx context.Context, _ *store.Store, admin auth.Admin) error {
		secret, created, err := admin.CreateToken(ctx, input)
		if err != nil {
			return ofFlags(err)
		}
		until := "does not expire"
		if input.ExpiresAt != nil {
			until = "expires " + input.ExpiresAt.UTC().Format(model.TimeLayout)
		}
		fmt.Fprintf(io.err, "token %d of account %s, %s, %s. It is shown this once:\n",
			created.ID, c.Account, strings.ToLower(c.Role), until)
		_, err = fmt.Fprintln(io.out, secret)
		return err
	})
}

// ofFlags tells the faults of a token or an account in the words of the command line.
func ofFlags(err error) error {
	input, ok := errors.AsType[*model.InputError](err)
	if !ok || len(input.Path) != 1 {
		return err
	}
	switch input.Path[0] {
	case "slug", "id": // are arguments
		return err
	case "username":
		return fmt.Errorf("--user: %s", input.Reason)
	case "expiresAt":
		reason, _, _ := strings.Cut(input.Reason, ";") // the rest says how the API writes never
		return fmt.Errorf("--expires: %s, or never", reason)
	}
	return fmt.Errorf("--%w", err)
}

// expiry reads how long a token is valid; nil: for ever.
func expiry(now time.Time, text string) (*time.Time, error) {
	if text == "never" {
		return nil, nil //nolint:nilnil // no time is a valid answer
	}
	const day = 24 * time.Hour
	valid, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		valid = time.Duration(min(max(n, 0), 100_000)) * day // what is too long is refused with the others
	}
	if err != nil || valid <= 0 {
		return nil, fmt.Errorf("--expires: must be days such as 90d, hours such as 12h, or never, is %q", text)
	}
	at := model.Microseconds(now.Add(valid))
	return &at, nil
}

type tokenListCmd struct {
	administering `embed:""`

	Account string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account whose tokens are listed. Default: ${default}"`
}

// Help teaches the command.
func (*tokenListCmd) Help() string {
	return `Newest first. When a token was last used is noted about once a minute.`
}

// Run prints a line for each token.
func (c *tokenListCmd) Run(ctx context.Context, io *streams) error {
	return c.with(ctx, io, c.Account, func(ctx context.Context, s *store.Store, _ auth.Admin) error {
		scope, err := model.ScopeFrom(ctx)
		if err != nil {
			return err
		}
		found, err := s.Tokens(ctx, scope.AccountID, nil)
		if err != nil {
			return err
		}
		tokens := slices.SortedFunc(maps.Values(found), func(a, b store.Token) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tROLE\tNAME\tUSER\tCREATED\tLAST USED\tSTATE")
		for i := range tokens {
			t, user := &tokens[i], ""
			if t.Username != nil {
				user = *t.Username
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, strings.ToLower(string(t.Role)), printable(t.Name), printable(user),
				day(&t.CreatedAt), day(t.LastUsedAt), state(time.Now(), t))
		}
		return w.Flush()
	})
}

func day(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.Format(time.DateTime)
}

// state says whether a token can be used.
func state(now time.Time, t *store.Token) string {
	switch {
	case t.RevokedAt != nil:
		return "revoked " + day(t.RevokedAt)
	case t.ExpiresAt != nil && !now.Before(*t.ExpiresAt):
		return "expired " + day(t.ExpiresAt)
	case t.UserDisabledAt != nil:
		return "its user is disabled"
	case t.ExpiresAt != nil:
		return "valid until " + day(t.ExpiresAt)
	}
	return "valid"
}

// printable keeps a table a table, whatever people have put into a name.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

type tokenRevokeCmd struct {
	administering `embed:""`

	ID      int64  `arg:"" help:"Number of the token, as samjournal token list shows it."`
	Account string `default:"default" env:"SAMJOURNAL_ACCOUNT" placeholder:"SLUG" help:"Account of the token. Default: ${default}"`
}

// Help teaches the command.
func (*tokenRevokeCmd) Help() string {
	return `Every server refuses the token within seconds, and ends the subscriptions that it has opened. To change a token, create
another, let clients use it, and revoke the first.`
}

// Run revokes the token. It says nothing when that has been done.
func (c *tokenRevokeCmd) Run(ctx context.Context, io *streams) error {
	return c.with(ctx, io, c.Account, func(ctx context.Context, _ *store.Store, admin auth.Admin) error {
		err := admin.RevokeToken(ctx, c.ID)
		if _, ok := errors.AsType[*model.InputError](err); ok {
			return fmt.Errorf("%w in account %s; --account names another", err, c.Account)
		}
		return err
	})
}
