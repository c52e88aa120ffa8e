package export

import (
	"bytes"
	"encoding/json"
	"time"

	"samjournal/internal/model"
)

// ManifestVersion is the version of the manifest and of the lines that it speaks of.
const ManifestVersion = 1

// Manifest says what an export holds. It is the last line of NDJSON, under the name "manifest".
type Manifest struct {
	Version int    `json:"version"` // ManifestVersion
	Format  Format `json:"format"`
	Account string `json:"account"` // slug
	// OnlyUser is the user whose entries the viewer may see; absent when it may see the whole account.
	OnlyUser *string `json:"onlyUser,omitempty"`
	// Where is the filter as it was asked for, null for none. Times are half-open where it says GTE and LT.
	Where json.RawMessage `json:"where"`
	After *string         `json:"after"` // cursor after which the export begins; null: the journal's beginning
	// HeadSize is the size of the journal to which the export goes; absent when the viewer may not see the whole account.
	HeadSize      *int64 `json:"headSize,omitempty"`
	Count         int64  `json:"count"`
	FirstPosition *int64 `json:"firstPosition"` // null without entries
	LastPosition  *int64 `json:"lastPosition"`
	// SHA256 is over all bytes before the manifest's line, in hex; of CSV, over all bytes.
	SHA256     string `json:"sha256"`
	ServerTime string `json:"serverTime"` // when the export began
	// Neutralised says that cells of CSV that begin like a formula have an apostrophe before them.
	Neutralised bool `json:"neutralised,omitempty"`
}

// line is the manifest's own line of NDJSON.
func (m Manifest) line() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string]Manifest{"manifest": m})
	return b.Bytes(), err
}

func timeText(t time.Time) string { return t.UTC().Format(model.TimeLayout) }
