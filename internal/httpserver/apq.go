package httpserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The errors that make Apollo's clients send the whole document, now or always.
const (
	codePersistedNotFound     = "PERSISTED_QUERY_NOT_FOUND"
	codePersistedNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
	persistedNotFound         = "PersistedQueryNotFound"
	persistedNotSupported     = "PersistedQueryNotSupported"
)

// extensionPersisted is the member of a request's extensions that has a document's hash.
const extensionPersisted = "persistedQuery"

// persistedQueries remembers documents by their SHA-256, by Apollo's protocol of automatic persisted queries: a client sends
// the hash alone, and the document with it only when the server does not know it.
type persistedQueries struct {
	kept *otter.Cache[string, string] // by hash; nil: there are none
}

func newPersistedQueries(maxBytes int64) (*persistedQueries, error) {
	const entry = 200 // bytes of an entry beside its texts

	kept, err := newByteCache(maxBytes, func(hash, text string) int64 { return int64(entry + len(hash) + len(text)) })

	return &persistedQueries{kept: kept}, err
}

// resolve puts the document that a request names by its hash in the parameters. register asks to remember the document that
// it came with, once it has proved valid.
func (p *persistedQueries) resolve(params *graphql.RawParams) (register bool, fault *gqlerror.Error) {
	hash, given, fault := persistedHash(params.Extensions)

	switch {
	case fault != nil:
		return false, fault
	case !given && params.Query != "":
		return false, nil
	case !given:
		if id, named := documentID(params); named {
			return false, codedError(codeBadUserInput,
				"this server has no persisted documents (%s), and so none named %q; send \"query\"", settingDocuments, shorten(id))
		}

		return false, badMember("query", "a string that is not empty")
	case p.kept == nil && params.Query == "":
		return false, codedError(codePersistedNotSupported, persistedNotSupported)
	case p.kept == nil:
		return false, nil
	case params.Query == "":
		text, known := p.kept.GetIfPresent(hash)
		if !known {
			return false, codedError(codePersistedNotFound, persistedNotFound)
		}

		params.Query = text

		return false, nil
	case hash != hashOf(params.Query):
		return false, codedError(codeBadUserInput,
			"extensions.%s.sha256Hash is not the SHA-256 of \"query\", in lower-case hex digits", extensionPersisted)
	}

	_, known := p.kept.GetIfPresent(hash)

	return !known, nil
}

func (p *persistedQueries) add(text string) { p.kept.Set(hashOf(text), strings.Clone(text)) }

// persistedHash reads the persistedQuery extension. given is false when there is none.
func persistedHash(extensions map[string]any) (hash string, given bool, fault *gqlerror.Error) {
	value, present := extensions[extensionPersisted]
	if !present || value == nil {
		return "", false, nil
	}

	object, ok := value.(map[string]any)
	if !ok {
		return "", false, badExtension("", "an object or null")
	}

	if version, _ := object["version"].(json.Number); version != "1" {
		return "", false, badExtension("/version", "1")
	}

	if hash, ok = object["sha256Hash"].(string); !ok || hash == "" {
		return "", false, badExtension("/sha256Hash", "the document's SHA-256 in hex digits")
	}

	return hash, true, nil
}

func badExtension(at, want string) *gqlerror.Error {
	pointer := "/extensions/" + extensionPersisted + at
	err := codedError(codeBadUserInput, "%s must be %s", strings.ReplaceAll(pointer[1:], "/", "."), want)
	err.Extensions["pointer"] = pointer

	return err
}

func hashOf(text string) string {
	digest := sha256.Sum256([]byte(text))

	return hex.EncodeToString(digest[:])
}
