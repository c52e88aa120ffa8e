package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// AccountMap says to which account the entries of a user belong: username to slug.
type AccountMap map[string]string

// ReadAccountMap reads a JSON object of usernames and slugs, {"alice": "acme", "bob": "globex"}. A name that comes twice, also
// in another Unicode form, is refused.
func ReadAccountMap(r io.Reader) (AccountMap, error) {
	var written map[string]string
	const must = "must be one JSON object of usernames and accounts, such as {\"alice\": \"acme\"}"
	if err := json.UnmarshalRead(r, &written); err != nil {
		return nil, fmt.Errorf(must+": %w", err)
	}
	if written == nil {
		return nil, errors.New(must + ", is null")
	}
	accounts := make(AccountMap, len(written))
	for name, slug := range written {
		name = norm.NFC.String(name) // as usernames are stored
		switch {
		case name == "":
			return nil, errors.New("an empty username is in it")
		case slug == "":
			return nil, fmt.Errorf("username %q has no account", name)
		}
		if other, twice := accounts[name]; twice && other != slug {
			return nil, fmt.Errorf("username %q is in it in two Unicode forms, with different accounts", name)
		}
		accounts[name] = slug
	}
	return accounts, nil
}

// Slugs lists the accounts, each once, in order.
func (m AccountMap) Slugs() []string {
	slugs := make([]string, 0, len(m))
	for _, slug := range m {
		slugs = append(slugs, slug)
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}

// Routed appends each entry to the journal of its user's account. Entries of users whom the map does not name, and those of
// nobody, go to the account of the context's viewer.
type Routed struct {
	To       Appender
	Accounts AccountMap
	Viewers  map[string]model.Viewer // by slug; all that Accounts names
}

var _ Appender = Routed{}

// Shares counts the entries of users whose account a map says.
type Shares struct {
	Accounts AccountMap
	users    map[string]int64
}

// Hear counts an entry, as Options.Heard.
func (s *Shares) Hear(in journal.Input) {
	if in.Username == nil {
		return
	}
	if name := norm.NFC.String(*in.Username); s.Accounts[name] != "" {
		if s.users == nil {
			s.users = make(map[string]int64, len(s.Accounts))
		}
		s.users[name]++
	}
}

// String has a line for each account of the map with the number of its entries, and one for the users without any: a name that
// is not written as the export has it sends nothing to its account.
func (s *Shares) String() string {
	counts := map[string]int64{}
	var without []string
	for name, slug := range s.Accounts {
		counts[slug] += s.users[name]
		if s.users[name] == 0 {
			without = append(without, strconv.Quote(name))
		}
	}
	var b strings.Builder
	for _, slug := range s.Accounts.Slugs() {
		fmt.Fprintf(&b, "account %s: entries: %d\n", slug, counts[slug])
	}
	if len(without) == 0 {
		return b.String()
	}
	slices.Sort(without)
	const most = 20
	shown := strings.Join(without[:min(most, len(without))], ", ")
	if more := len(without) - most; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(&b, "users of the account map who have no entries in the export: %s\n", shown)
	return b.String()
}

// Append makes one append for each account; they are not one transaction, which no caller needs.
func (r Routed) Append(ctx context.Context, inputs []journal.Input) ([]journal.Result, error) {
	results := make([]journal.Result, len(inputs))
	slugs, places := sorted(inputs, func(in journal.Input) string { return r.slug(ctx, in.Username) })
	for _, slug := range slugs {
		appended, err := r.To.Append(r.as(ctx, slug), pick(inputs, places[slug]))
		if err != nil {
			return nil, err
		}
		for i, result := range appended {
			results[places[slug][i]] = result
		}
	}
	return results, nil
}

// EnsureUsers creates each user in its own account.
func (r Routed) EnsureUsers(ctx context.Context, users []journal.UserProfile) error {
	slugs, places := sorted(users, func(u journal.UserProfile) string { return r.slug(ctx, &u.Username) })
	for _, slug := range slugs {
		if err := r.To.EnsureUsers(r.as(ctx, slug), pick(users, places[slug])); err != nil {
			return err
		}
	}
	return nil
}

// slug is "" for the account of the context's viewer, also where the map names it: what goes to one account stays in order.
func (r Routed) slug(ctx context.Context, username *string) string {
	if username == nil {
		return ""
	}
	slug := r.Accounts[norm.NFC.String(*username)]
	if viewer, err := model.ViewerFrom(ctx); err == nil && slug == viewer.Account.Slug {
		return ""
	}
	return slug
}

func (r Routed) as(ctx context.Context, slug string) context.Context {
	if slug == "" {
		return ctx
	}
	return model.WithViewer(ctx, r.Viewers[slug])
}

// sorted tells which of the items belong to each slug, and the slugs in the order of their first item.
func sorted[T any](items []T, slugOf func(T) string) (slugs []string, places map[string][]int) {
	places = map[string][]int{}
	for i, item := range items {
		slug := slugOf(item)
		if _, seen := places[slug]; !seen {
			slugs = append(slugs, slug)
		}
		places[slug] = append(places[slug], i)
	}
	return slugs, places
}

func pick[T any](items []T, places []int) []T {
	picked := make([]T, len(places))
	for i, place := range places {
		picked[i] = items[place]
	}
	return picked
}
