package store_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"samjournal/ent"
	"samjournal/ent/entry"
	"samjournal/ent/user"
	"samjournal/internal/model"
	"samjournal/internal/store"
)

// statements collects SQL.
type statements struct {
	mu   sync.Mutex
	list []string
}

func (s *statements) log(query string, _ []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, query)
}

// take returns what was collected and forgets it.
func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// logged returns a store over the rows of fill, and its statements.
func logged(t *testing.T, databaseURL string) (*store.Store, *statements) {
	t.Helper()
	filled(t, databaseURL)
	collected := &statements{}
	s := open(t, databaseURL, store.Options{SQLLog: collected.log})
	collected.take()
	return s, collected
}

func as(t *testing.T, account int64, role model.Role, userID *int64) context.Context {
	t.Helper()
	return model.WithViewer(t.Context(), model.Viewer{Account: model.Account{ID: account}, Role: role, UserID: userID})
}

func TestEveryStatementOfEntCarriesTheAccount(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			c := s.Ent()
			for name, query := range map[string]func(ctx context.Context) error{
				"all":   func(ctx context.Context) error { _, err := c.Entry.Query().All(ctx); return err },
				"first": func(ctx context.Context) error { _, err := c.Entry.Query().First(ctx); return err },
				"count": func(ctx context.Context) error { _, err := c.Entry.Query().Count(ctx); return err },
				"exist": func(ctx context.Context) error { _, err := c.Entry.Query().Exist(ctx); return err },
				"ids":   func(ctx context.Context) error { _, err := c.Entry.Query().IDs(ctx); return err },
				"get":   func(ctx context.Context) error { _, err := c.Entry.Get(ctx, keyA); return err },
				"clone": func(ctx context.Context) error { _, err := c.Entry.Query().Clone().All(ctx); return err },
				"unique": func(ctx context.Context) error {
					_, err := c.Entry.Query().Unique(true).Limit(1).Offset(1).All(ctx)
					return err
				},
				"or": func(ctx context.Context) error {
					_, err := c.Entry.Query().Where(entry.Or(entry.AccountID(7), entry.StatusCode(200))).All(ctx)
					return err
				},
				"select": func(ctx context.Context) error {
					_, err := c.Entry.Query().Select(entry.FieldPosition).Ints(ctx)
					return err
				},
				"aggregate": func(ctx context.Context) error {
					_, err := c.Entry.Query().Aggregate(ent.Max(entry.FieldPosition)).Int(ctx)
					return err
				},
				"group": func(ctx context.Context) error {
					_, err := c.Entry.Query().GroupBy(entry.FieldThing).Strings(ctx)
					return err
				},
				"modify": func(ctx context.Context) error {
					_, err := c.Entry.Query().Modify(func(s *entsql.Selector) { s.Limit(1) }).Ints(ctx)
					_ = err // which columns come back is not the point
					return nil
				},
				"with user": func(ctx context.Context) error { _, err := c.Entry.Query().WithUser().All(ctx); return err },
				"with user with entries": func(ctx context.Context) error {
					_, err := c.Entry.Query().WithUser(func(q *ent.UserQuery) {
						q.WithEntries(func(q *ent.EntryQuery) { q.WithUser().Limit(2) })
					}).All(ctx)
					return err
				},
				"users":            func(ctx context.Context) error { _, err := c.User.Query().WithEntries().All(ctx); return err },
				"user count":       func(ctx context.Context) error { _, err := c.User.Query().Count(ctx); return err },
				"entries of users": func(ctx context.Context) error { _, err := c.User.Query().QueryEntries().All(ctx); return err },
				"users of entries": func(ctx context.Context) error { _, err := c.Entry.Query().QueryUser().All(ctx); return err },
				"user":             func(ctx context.Context) error { _, err := c.User.Get(ctx, 1); return err },
				"head":             func(ctx context.Context) error { _, err := c.Head.Query().Only(ctx); return err },
				"tokens":           func(ctx context.Context) error { _, err := c.Token.Query().WithUser().All(ctx); return err },
				"erasures":         func(ctx context.Context) error { _, err := c.Erasure.Query().All(ctx); return err },
				"in a transaction": func(ctx context.Context) error { return inTx(ctx, c) },
				"raw head":         func(ctx context.Context) error { return headOf(ctx, s) },
				"raw key":          func(ctx context.Context) error { _, err := s.KeyAt(ctx, 1, 0); return err },
				"raw usernames":    func(ctx context.Context) error { _, err := s.Usernames(ctx, 1, []int64{1, 2}); return err },
			} {
				t.Run(name, func(t *testing.T) {
					require.NoError(t, query(as(t, 1, model.RoleAdmin, nil)))
					run := collected.take()
					require.NotEmpty(t, run)
					for _, statement := range run {
						require.Empty(t, unscoped(statement), statement)
					}
				})
			}
		})
	}
}

func inTx(ctx context.Context, c *ent.Client) error {
	tx, err := c.Tx(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Entry.Query().WithUser().All(ctx); err != nil {
		return err
	}
	return tx.Rollback()
}

func headOf(ctx context.Context, s *store.Store) error {
	scope, err := model.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	if _, err = s.Head(ctx, scope); err == nil {
		_, _, err = s.HeadAndCounts(ctx, scope, store.CountQuery{
			RowsOnly: true, Match: func(q *entsql.Selector) { q.Where(entsql.EQ(q.C(entry.FieldThing), "Prompt")) },
		})
	}
	return err
}

func TestAViewerSeesWhatItsScopeAllows(t *testing.T) {
	t.Parallel()
	one, two, nobody := int64(1), int64(2), int64(99)
	type seen struct{ entries, users, erasures, heads, tokens int }
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, _ := logged(t, databaseURL)
			for name, c := range map[string]struct {
				ctx  context.Context //nolint:containedctx // of one case
				want seen
			}{
				"auditor":                     {as(t, 1, model.RoleAuditor, nil), seen{2, 2, 0, 1, 0}},
				"admin":                       {as(t, 1, model.RoleAdmin, nil), seen{2, 2, 0, 1, 1}},
				"admin of no account":         {as(t, 99, model.RoleAdmin, nil), seen{}},
				"operator":                    {as(t, 1, model.RoleOperator, nil), seen{2, 2, 0, 1, 1}},
				"auditor of another account":  {as(t, 7, model.RoleAuditor, nil), seen{1, 2, 1, 1, 0}},
				"auditor of no account":       {as(t, 99, model.RoleAuditor, nil), seen{}},
				"reader":                      {as(t, 1, model.RoleReader, &one), seen{2, 1, 0, 1, 0}},
				"reader without entries":      {as(t, 1, model.RoleReader, &two), seen{0, 1, 0, 1, 0}},
				"reader without user":         {as(t, 1, model.RoleReader, nil), seen{0, 0, 0, 1, 0}},
				"reader that does not exist":  {as(t, 1, model.RoleReader, &nobody), seen{0, 0, 0, 1, 0}},
				"reader of the other account": {as(t, 7, model.RoleReader, &one), seen{1, 1, 0, 1, 0}},
				"writer":                      {as(t, 1, model.RoleWriter, nil), seen{0, 0, 0, 1, 0}},
				"writer with a user":          {as(t, 1, model.RoleWriter, &two), seen{0, 1, 0, 1, 0}},
				"of no known role":            {as(t, 1, "", nil), seen{0, 0, 0, 1, 0}},
			} {
				t.Run(name, func(t *testing.T) {
					client := s.Ent()
					entries, err := client.Entry.Query().WithUser().All(c.ctx)
					require.NoError(t, err)
					users, err := client.User.Query().WithEntries().All(c.ctx)
					require.NoError(t, err)
					erasures, err := client.Erasure.Query().All(c.ctx)
					require.NoError(t, err)
					heads, err := client.Head.Query().All(c.ctx)
					require.NoError(t, err)
					tokens, err := client.Token.Query().WithUser().All(c.ctx)
					require.NoError(t, err)
					require.Equal(t, c.want, seen{len(entries), len(users), len(erasures), len(heads), len(tokens)})
					for _, token := range tokens {
						require.Equal(t, token.AccountID, token.Edges.User.AccountID)
					}
					for _, e := range entries {
						require.Equal(t, e.AccountID, e.Edges.User.AccountID)
						require.Equal(t, "alice", e.Edges.User.Username)
					}
					for _, u := range users {
						for _, e := range u.Edges.Entries {
							require.Equal(t, u.AccountID, e.AccountID)
						}
					}
				})
			}
		})
	}
}

func TestWithoutAViewerNothingIsRead(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			_, err := s.Ent().Entry.Query().All(t.Context())
			require.ErrorIs(t, err, model.ErrNoViewer)
			_, err = s.Ent().User.Query().Count(t.Context())
			require.ErrorIs(t, err, model.ErrNoViewer)
			_, err = s.Ent().Head.Query().Only(t.Context())
			require.ErrorIs(t, err, model.ErrNoViewer)
			_, err = s.Ent().Erasure.Query().Exist(t.Context())
			require.ErrorIs(t, err, model.ErrNoViewer)
			_, err = s.Ent().Token.Query().All(t.Context())
			require.ErrorIs(t, err, model.ErrNoViewer)
			require.Empty(t, collected.take())
		})
	}
}

func TestEntDoesNotWrite(t *testing.T) {
	t.Parallel()
	for d, databaseURL := range both(t) {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			s, collected := logged(t, databaseURL)
			ctx := as(t, 1, model.RoleOperator, nil)
			require.Error(t, s.Ent().Entry.DeleteOneID(keyA).Exec(ctx))
			_, err := s.Ent().User.Update().Where(user.ID(1)).SetEmail("x").Save(ctx)
			require.Error(t, err)
			_, err = s.Ent().Head.Update().SetSize(0).Save(ctx)
			require.Error(t, err)
			_, err = s.Ent().Token.Update().SetRevokedBy("x").Save(ctx)
			require.Error(t, err)
			_, err = s.Ent().Account.Update().SetName("x").Save(ctx)
			require.Error(t, err)
			require.Empty(t, collected.take())
		})
	}
}

// Ent applies no interceptor to the other side of these: its subquery would see all accounts.
func TestNoCodeWalksEdgesPastTheInterceptor(t *testing.T) {
	t.Parallel()
	past := regexp.MustCompile(`\.(HasUser|HasUserWith|HasEntries|HasEntriesWith)\(|\w+\.Query(User|Entries)\(`)
	root := filepath.Join("..", "..")
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (path == filepath.Join(root, "ent") || name == "node_modules" ||
			(strings.HasPrefix(name, ".") && path != root)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		require.NotRegexp(t, past, string(text), path)
		return err
	}))
	require.Greater(t, files, 30)
}
