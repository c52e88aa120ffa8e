package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"samjournal/internal/model"
)

const (
	entryModel    = "journal.samjournal"
	maxStatus     = 32767
	defaultStatus = 200
	maxUsername   = 150 // characters
	unknownUser   = "django:"
)

// entryRow is a row of journal.samjournal, checked and in the journal's own spelling.
type entryRow struct {
	key       string
	createdAt time.Time
	userPK    *string // as dumpdata writes it by default
	username  *string // as dumpdata --natural-foreign writes it
	thing     model.Thing
	command   model.Command
	status    int
	request   model.Payload
	response  model.Payload
	mapped    bool     // thing or command had the name of an older version
	defaulted bool     // thing, command or status was empty
	naive     bool     // created_at had no zone and was taken as UTC
	truncated bool     // an export of samjournal has the payloads truncated
	redacted  []string // what was masked when such an export was made
}

// userRow is a row of the user model.
type userRow struct {
	model       string
	pk          *string // absent in an export with --natural-primary
	username    string
	email       string
	displayName string
	disabled    bool
	leftOut     int64 // of email and displayName: what no user may have here
}

// parsed is what a row turned out to be: an entry, a user, or neither.
type parsed struct {
	pk       string // to name the row in a rejection
	model    string
	entry    *entryRow
	user     *userRow
	manifest bool // the last line of an export of samjournal
}

// parser knows the options that change how a row is read.
type parser struct {
	userModel        string // empty: auth.user and any *.user
	missingCreatedAt *time.Time
	own              exported // of samjournal's own export
	django           bool     // there was a row of Django's
}

// parse reads one row. The error is a *reject or, when the bytes are not JSON, a *broken; what is known of the row's pk
// comes with it.
func (p *parser) parse(r row) (parsed, error) {
	if r.tooLarge || r.tooDeep {
		out := parsed{pk: pkOf(r.raw)}
		if r.tooLarge {
			return out, &reject{"", fmt.Sprintf("the row is larger than %d MiB", maxRow>>20)}
		}
		return out, &reject{"", fmt.Sprintf("the row is nested deeper than %d levels", maxRowDepth)}
	}
	top, err := membersOf(r.raw, "model", "pk", "fields", "key", "position", "manifest")
	if err == nil && isExported(top) {
		return p.line(r, top)
	}
	p.django = p.django || err == nil && len(top["model"]) > 0
	out := parsed{pk: shown(top["pk"])}
	if err != nil {
		return out, err
	}
	if out.model, err = textOf("model", top["model"]); err != nil {
		return out, err
	}
	switch {
	case out.model == entryModel:
		out.entry, err = p.entry(top["pk"], top["fields"])
	case p.isUser(out.model):
		out.user, err = user(out.model, top["pk"], top["fields"])
	}
	return out, err
}

// line reads a line of samjournal's own export. An error that is no *reject ends the import.
func (p *parser) line(r row, top map[string]jsontext.Value) (out parsed, err error) {
	if err := p.own.take(r.raw, top); err != nil {
		return out, err
	}
	out.model = entryModel
	if len(top["manifest"]) > 0 {
		out.manifest = true
		return out, nil
	}
	out.pk = shown(top["key"])
	out.entry, err = exportedEntry(r.raw)
	return out, err
}

func (p *parser) isUser(name string) bool {
	if p.userModel != "" {
		return strings.EqualFold(name, p.userModel)
	}
	return strings.HasSuffix(strings.ToLower(name), ".user")
}

func (p *parser) entry(pk, fields jsontext.Value) (*entryRow, error) {
	f, err := membersOf(fields, "created_at", "user", "thing", "command", "request", "response", "status_code")
	if err != nil {
		return nil, inFields(err)
	}
	e := &entryRow{}
	if e.key, err = textOf("pk", pk); err != nil {
		return nil, err
	}
	if err = model.ValidateKey(e.key); err != nil {
		return nil, rejectOf("pk", err)
	}
	if err := p.createdAt(e, f["created_at"]); err != nil {
		return nil, err
	}
	if err := e.setUser(f["user"]); err != nil {
		return nil, err
	}
	if err := e.setNames(f["thing"], f["command"]); err != nil {
		return nil, err
	}
	if err := e.setStatus(f["status_code"]); err != nil {
		return nil, err
	}
	if e.request, err = payload("request", f["request"]); err != nil {
		return nil, err
	}
	e.response, err = payload("response", f["response"])
	return e, err
}

func (p *parser) createdAt(e *entryRow, v jsontext.Value) error {
	if len(v) == 0 || v.Kind() == 'n' {
		if p.missingCreatedAt == nil {
			return &reject{"created_at", "is missing; --missing-created-at TIME gives such rows a time"}
		}
		e.createdAt = *p.missingCreatedAt
		return nil
	}
	text, err := textOf("created_at", v)
	if err != nil {
		return err
	}
	at, naive, err := parseTime(text)
	if err != nil {
		return &reject{"created_at", err.Error()}
	}
	e.createdAt, e.naive = at, naive
	return nil
}

func (e *entryRow) setUser(v jsontext.Value) error {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil
	}
	if v.Kind() == '[' {
		part, err := onlyElement(v)
		if err != nil {
			return &reject{"user", `must be a natural key of one part, ["username"]`}
		}
		name, err := usernameOf("user", part)
		e.username = &name
		return err
	}
	pk, err := pkText("user", v)
	if err != nil {
		return err
	}
	// Should the user turn out not to be in the file, this becomes the name.
	if err := checkUsername("user", unknownUser+pk); err != nil {
		return err
	}
	e.userPK = &pk
	return nil
}

func (e *entryRow) setNames(thing, command jsontext.Value) error {
	t, err := nameOf("thing", thing)
	if err != nil {
		return err
	}
	c, err := nameOf("command", command)
	if err != nil {
		return err
	}
	e.thing, e.command = model.ThingPrompt, model.CommandPrompt
	if t == "" || c == "" {
		e.defaulted = true
	}
	if t != "" {
		if e.thing, err = model.ParseThing(t); err != nil {
			return &reject{"thing", unknownName(t, "thing")}
		}
		e.mapped = string(e.thing) != t
	}
	if c != "" {
		if e.command, err = model.ParseCommand(c); err != nil {
			return &reject{"command", unknownName(c, "command")}
		}
		e.mapped = e.mapped || string(e.command) != c
	}
	return nil
}

// setStatus takes whole numbers in plain digits only: 200.0 and 2e2 are somebody's mistake.
func (e *entryRow) setStatus(v jsontext.Value) error {
	if len(v) == 0 {
		e.status, e.defaulted = defaultStatus, true
		return nil
	}
	n, err := strconv.Atoi(string(v))
	if err != nil || n < 0 || n > maxStatus {
		return &reject{"status_code", fmt.Sprintf("must be a whole number from 0 to %d", maxStatus)}
	}
	e.status = n
	return nil
}

func payload(field string, v jsontext.Value) (model.Payload, error) {
	if len(v) == 0 {
		return "", &reject{field, "is missing; it may be any JSON value, null too"}
	}
	p, err := model.ParsePayload(v)
	if err != nil {
		return "", rejectOf(field, err)
	}
	return p, nil
}

func user(name string, pk, fields jsontext.Value) (*userRow, error) {
	f, err := membersOf(fields, "username", "email", "first_name", "last_name", "name", "is_active")
	if err != nil {
		return nil, inFields(err)
	}
	u := &userRow{model: name, disabled: f["is_active"].Kind() == 'f'}
	if len(pk) > 0 && pk.Kind() != 'n' {
		text, err := pkText("pk", pk)
		if err != nil {
			return nil, err
		}
		u.pk = &text
	}
	if u.username, err = usernameOf("username", f["username"]); err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for _, field := range []string{"email", "first_name", "last_name", "name"} {
		if texts[field], err = nameOf(field, f[field]); err != nil {
			return nil, err
		}
	}
	called := strings.TrimSpace(texts["first_name"] + " " + texts["last_name"])
	if called == "" {
		called = strings.TrimSpace(texts["name"])
	}
	u.email = u.fit("email", texts["email"], model.MaxEmail)
	u.displayName = u.fit("displayName", called, model.MaxDisplayName)
	return u, nil
}

// fit leaves out what model.CheckName refuses: for want of it no entry is lost.
func (u *userRow) fit(field, text string, most int) string {
	if text == "" || model.CheckName(field, text, most) == nil {
		return text
	}
	u.leftOut++
	return ""
}

// usernameOf returns the name in NFC, as the journal compares usernames bytewise.
func usernameOf(field string, v jsontext.Value) (string, error) {
	name, err := textOf(field, v)
	if err != nil {
		return "", err
	}
	name = norm.NFC.String(name)
	return name, checkUsername(field, name)
}

func checkUsername(field, name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxUsername {
		return &reject{field, fmt.Sprintf("a username has 1 to %d characters, this one has %d", maxUsername, n)}
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return &reject{field, "a username has no control characters"}
	}
	return nil
}
