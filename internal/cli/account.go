package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"samjournal/internal/auth"
	"samjournal/internal/config"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

type accountCmd struct {
	Create accountCreateCmd `cmd:"" help:"Create an account with an empty journal."`
	List   accountListCmd   `cmd:"" help:"List the accounts."`
}

// administering opens a database for the local operator, who may do everything.
type administering struct {
	Database config.Database `embed:"" group:"Database"`
	Log      config.Log      `embed:"" group:"Log"`
}

// with calls f with the store and what administers it, in a context that acts on an account.
func (a administering) with(
	ctx context.Context, io *streams, slug string, f func(context.Context, *store.Store, auth.Admin) error,
) (err error) {
	if err := a.Database.Validate(); err != nil {
		return err
	}
	s, err := openStore(ctx, a.Database, logger(a.Log, io.err), io.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	acting, err := operator(ctx, s, slug)
	if errors.Is(err, store.ErrNoAccount) {
		return fmt.Errorf("%w; samjournal account list shows those that there are", err)
	}
	if err != nil {
		return err
	}
	return f(acting, s, auth.Admin{Store: s, MayCreateOperators: true})
}

type accountCreateCmd struct {
	administering `embed:""`

	Slug string `arg:"" help:"Short name, 1 to 63 of a-z, 0-9 and -, unique; it can never be changed."`
	Name string `env:"SAMJOURNAL_ACCOUNT_NAME" placeholder:"NAME" help:"Name for people, 1 to 200 characters. Default: the short one"`
}

// Help teaches the command.
func (*accountCreateCmd) Help() string {
	return `Accounts are never deleted: what is in a journal stays. An account sees nothing of another.

  samjournal account create acme --name="Acme, Inc."
  samjournal token create --account=acme --role=writer --name=ci`
}

// Run creates the account and prints its short name.
func (c *accountCreateCmd) Run(ctx context.Context, io *streams) error {
	name := c.Name
	if name == "" {
		name = c.Slug
	}
	return c.with(ctx, io, DefaultAccount, func(ctx context.Context, _ *store.Store, admin auth.Admin) error {
		account, err := admin.CreateAccount(ctx, c.Slug, name)
		if err != nil {
			return ofFlags(err)
		}
		_, err = fmt.Fprintln(io.out, account.Slug)
		return err
	})
}

type accountListCmd struct{ administering }

// Help teaches the command.
func (*accountListCmd) Help() string {
	return `A database begins with one account, default, which a server without authentication and samjournal import use.`
}

// Run prints a line for each account.
func (c *accountListCmd) Run(ctx context.Context, io *streams) error {
	return c.with(ctx, io, DefaultAccount, func(ctx context.Context, s *store.Store, _ auth.Admin) error {
		accounts, err := s.Accounts(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ACCOUNT\tNAME\tCREATED")
		for _, a := range accounts {
			fmt.Fprintf(w, "%s\t%s\t%s\n", a.Slug, printable(a.Name), a.CreatedAt.Format(model.TimeLayout))
		}
		return w.Flush()
	})
}
