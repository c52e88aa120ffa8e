package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// maxRemembered is the most answers of the database of each kind that are remembered.
	maxRemembered = 8192
	// lookupTimeout bounds a question to the database that several requests wait for.
	lookupTimeout = 5 * time.Second
)

// memo remembers what the database answered for a while, and asks once for all who want to know the same at the same time.
type memo[K comparable, V any] struct {
	ttl    time.Duration
	now    func() time.Time
	load   func(ctx context.Context, key K) (V, error)
	kept   *lru.Cache[K, dated[V]]
	flight singleflight.Group
}

type dated[V any] struct {
	value V
	asked time.Time
}

func newMemo[K comparable, V any](
	ttl time.Duration, now func() time.Time, load func(context.Context, K) (V, error),
) (*memo[K, V], error) {
	kept, err := lru.New[K, dated[V]](maxRemembered)
	return &memo[K, V]{ttl: ttl, now: now, load: load, kept: kept}, err
}

// get returns an answer that is no older than ttl. Errors are not remembered.
func (m *memo[K, V]) get(ctx context.Context, key K) (V, error) {
	var none V
	if value, ok := m.remembered(key); ok {
		return value, nil
	}
	answers := m.flight.DoChan(fmt.Sprint(key), func() (any, error) {
		if value, ok := m.remembered(key); ok { // the answer came between the look and the question
			return value, nil
		}
		// Others wait for this answer too: it must not end with the request that happened to ask first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		asked := m.now()
		value, err := m.load(ctx, key)
		if err != nil {
			return none, err
		}
		m.kept.Add(key, dated[V]{value, asked})
		return value, nil
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case answer := <-answers:
		if errors.Is(answer.Err, context.DeadlineExceeded) {
			return none, unavailable("the database does not answer in time", answer.Err)
		}
		value, _ := answer.Val.(V)
		return value, answer.Err
	}
}

func (m *memo[K, V]) remembered(key K) (V, bool) {
	found, ok := m.kept.Get(key)
	return found.value, ok && m.now().Sub(found.asked) < m.ttl
}
