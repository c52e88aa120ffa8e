package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"samjournal/internal/export"
	"samjournal/internal/model"
)

// exported is what an export of samjournal shows besides its entries: whether it is whole. Its lines are in the order of
// positions, which is the order in which they are appended.
type exported struct {
	count    int64
	sum      hash.Hash
	manifest *export.Manifest
}

// errBothKinds says that a file has rows of Django and lines of samjournal.
var errBothKinds = errors.New("it has rows of Django's dumpdata and lines of samjournal's export; import them separately")

// isExported tells that a row is a line of samjournal's own export: an entry or the manifest.
func isExported(top map[string]jsontext.Value) bool {
	return len(top["model"]) == 0 && (len(top["manifest"]) > 0 || len(top["key"]) > 0 && len(top["position"]) > 0)
}

// take notes a line of an export.
func (x *exported) take(raw []byte, top map[string]jsontext.Value) error {
	if x.manifest != nil {
		return errors.New("something follows the export's manifest")
	}
	if v := top["manifest"]; len(v) > 0 {
		x.manifest = &export.Manifest{}
		if err := json.Unmarshal(v, x.manifest); err != nil {
			return errors.New("its manifest cannot be read")
		}
		return nil
	}
	if x.sum == nil {
		x.sum = sha256.New()
	}
	x.count++
	_, err := x.sum.Write(append(slices.Clip(raw), '\n'))
	return err
}

// complete says what is missing of an export, nil when it is whole or there is none.
func (x *exported) complete() error {
	switch {
	case x.manifest == nil && x.count == 0:
		return nil
	case x.manifest == nil:
		return fmt.Errorf("%w; samjournal export --resume completes it", export.ErrIncomplete)
	case x.manifest.Version != export.ManifestVersion:
		return fmt.Errorf("the manifest has version %d, this samjournal knows version %d",
			x.manifest.Version, export.ManifestVersion)
	case x.count != x.manifest.Count:
		return fmt.Errorf("its manifest says %d entries, it has %d", x.manifest.Count, x.count)
	case x.count > 0 && hex.EncodeToString(x.sum.Sum(nil)) != x.manifest.SHA256:
		return errors.New("it was changed: its lines have another SHA-256 than its manifest says")
	}
	return nil
}

// exportedNames are the members of a line that are read. recordedAt, origin and cursor are the other journal's own.
func exportedNames() []string {
	return []string{
		"key", "createdAt", "thing", "command", "statusCode", "username", "request", "response", "payloadState", "redactedPaths",
	}
}

// exportedEntry reads a line of an export.
func exportedEntry(raw []byte) (*entryRow, error) {
	f, err := membersOf(raw, exportedNames()...)
	if err != nil {
		return nil, err
	}
	e := &entryRow{}
	if e.key, err = textOf("key", f["key"]); err != nil {
		return nil, err
	}
	if err = model.ValidateKey(e.key); err != nil {
		return nil, rejectOf("key", err)
	}
	text, err := textOf("createdAt", f["createdAt"])
	if err != nil {
		return nil, err
	}
	if e.createdAt, err = model.UnmarshalTime(text); err != nil {
		return nil, rejectOf("createdAt", err)
	}
	if v := f["username"]; len(v) > 0 && v.Kind() != 'n' {
		name, err := usernameOf("username", v)
		if err != nil {
			return nil, err
		}
		e.username = &name
	}
	if err := e.setExportedNames(f); err != nil {
		return nil, err
	}
	if len(f["statusCode"]) == 0 {
		return nil, &reject{"statusCode", "is missing"}
	}
	if err := e.setStatus(f["statusCode"]); err != nil {
		return nil, err
	}
	err = e.setExportedPayloads(f)
	return e, err
}

func (e *entryRow) setExportedNames(f map[string]jsontext.Value) error {
	thing, err := textOf("thing", f["thing"])
	if err != nil {
		return err
	}
	if err := e.thing.UnmarshalGQL(thing); err != nil {
		return rejectOf("thing", err)
	}
	command, err := textOf("command", f["command"])
	if err != nil {
		return err
	}
	if err := e.command.UnmarshalGQL(command); err != nil {
		return rejectOf("command", err)
	}
	return nil
}

func (e *entryRow) setExportedPayloads(f map[string]jsontext.Value) error {
	text, err := textOf("payloadState", f["payloadState"])
	if err != nil {
		return err
	}
	switch model.PayloadState(text) {
	case model.PayloadStored:
	case model.PayloadTruncated:
		e.truncated = true
	case model.PayloadErased, model.PayloadHidden:
		return &reject{"payloadState", "is " + text + ": there is no request and response to import"}
	default:
		return &reject{"payloadState", "must be STORED or TRUNCATED"}
	}
	if e.request, err = payload("request", f["request"]); err != nil {
		return err
	}
	if e.response, err = payload("response", f["response"]); err != nil {
		return err
	}
	if v := f["redactedPaths"]; len(v) > 0 {
		if err := json.Unmarshal(v, &e.redacted); err != nil {
			return &reject{"redactedPaths", "must be a list of strings"}
		}
	}
	return nil
}
