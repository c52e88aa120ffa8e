package httpserver

import (
	"fmt"
	"math"

	"github.com/maypok86/otter/v2"
)

// documentCache keeps parsed and validated documents, by their text, as far as they fit in its memory.
type documentCache struct {
	kept *otter.Cache[string, *document] // nil: none
}

func newDocumentCache(maxBytes int64) (*documentCache, error) {
	kept, err := newByteCache(maxBytes, func(_ string, doc *document) int64 { return doc.weight })

	return &documentCache{kept: kept}, err
}

func (c *documentCache) get(text string) (*document, bool) {
	if c.kept == nil {
		return nil, false
	}

	return c.kept.GetIfPresent(text)
}

func (c *documentCache) add(doc *document) {
	if c.kept != nil {
		c.kept.Set(doc.text, doc)
	}
}

// newByteCache makes a cache whose values together weigh at most maxBytes; nil when that is 0.
func newByteCache[V any](maxBytes int64, weight func(string, V) int64) (*otter.Cache[string, V], error) {
	if maxBytes == 0 {
		return nil, nil //nolint:nilnil // there is none
	}

	kept, err := otter.New(&otter.Options[string, V]{
		MaximumWeight: uint64(maxBytes), //nolint:gosec // validated to be positive
		Weigher: func(key string, value V) uint32 {
			return uint32(min(weight(key, value), math.MaxUint32)) //nolint:gosec // bounded just now
		},
		// What has to go goes at once, in the goroutine of the one that adds: the bound holds whatever else runs.
		Executor: func(f func()) { f() },
	})
	if err != nil {
		return nil, fmt.Errorf("a cache of %d bytes: %w", maxBytes, err)
	}

	return kept, nil
}
