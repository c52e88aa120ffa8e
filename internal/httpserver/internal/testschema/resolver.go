package testschema

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"samjournal/internal/requestid"
	"samjournal/internal/subscription"
)

// Resolver resolves the whole test schema. The zero value is not ready: use New.
type Resolver struct {
	// Gate holds slow and slowBump until it is closed.
	Gate chan struct{}
	// Waiting receives one value whenever slow or slowBump has begun to wait.
	Waiting chan struct{}
	// Left receives one value whenever a subscription's source has ended.
	Left chan struct{}
	// Bumped is the sum of all bumps.
	Bumped atomic.Int64
}

// New returns a resolver with its channels made.
func New() *Resolver {
	return &Resolver{Gate: make(chan struct{}), Waiting: make(chan struct{}, 1000), Left: make(chan struct{}, 1000)}
}

type viewerKey struct{}

// WithViewer returns a context that carries a viewer's name.
func WithViewer(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, viewerKey{}, name)
}

// Mutation, Query and Subscription give the three root resolvers.
func (r *Resolver) Mutation() MutationResolver { return mutation{r} }

// Query gives the query resolvers.
func (r *Resolver) Query() QueryResolver { return query{r} }

// Subscription gives the subscription resolvers.
func (r *Resolver) Subscription() SubscriptionResolver { return sub{r} }

type (
	mutation struct{ *Resolver }
	query    struct{ *Resolver }
	sub      struct{ *Resolver }
)

func coded(code string) error {
	return &gqlerror.Error{Message: "failed as asked", Extensions: map[string]any{"code": code}}
}

func (r *Resolver) wait(ctx context.Context) error {
	r.Waiting <- struct{}{}

	select {
	case <-r.Gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r mutation) Bump(_ context.Context, by int) (int, error) {
	return int(r.Bumped.Add(int64(by))), nil
}

func (r mutation) SlowBump(ctx context.Context) (int, error) {
	if err := r.wait(ctx); err != nil {
		return 0, err
	}

	return int(r.Bumped.Add(1)), nil
}

func (query) Hello(_ context.Context, name *string) (string, error) {
	if name == nil {
		return "hello", nil
	}

	return "hello " + *name, nil
}

func (query) Echo(_ context.Context, value any) (any, error)      { return value, nil }
func (query) ID(_ context.Context, id string) (string, error)     { return id, nil }
func (query) Fail(_ context.Context, code string) (string, error) { return "", coded(code) }

func (query) Leak(context.Context) (*string, error) {
	return nil, errors.New("dial tcp 10.0.0.7: password=hunter2")
}

func (query) Boom(context.Context) (*string, error) { panic("boom") }

func (r query) Slow(ctx context.Context) (string, error) { return "slow", r.wait(ctx) }

func (query) RequestID(ctx context.Context) (string, error) { return requestid.From(ctx), nil }

func (query) Viewer(ctx context.Context) (string, error) {
	name, _ := ctx.Value(viewerKey{}).(string)

	return name, nil
}

func (query) Nested(context.Context) (*Query, error) { return &Query{}, nil }

// stream sends next's values until it says stop or the subscriber leaves.
func stream[T any](ctx context.Context, r *Resolver, next func(i int) (T, bool)) <-chan T {
	out := make(chan T)

	go func() {
		defer func() { r.Left <- struct{}{} }()
		defer close(out)

		for i := 0; ; i++ {
			v, ok := next(i)
			if !ok {
				return
			}

			select {
			case out <- v:
			case <-ctx.Done():
				return
			}
		}
	}()

	return out
}

func (r sub) Count(ctx context.Context, to int) (<-chan int, error) {
	return stream(ctx, r.Resolver, func(i int) (int, bool) { return i, i < to }), nil
}

func (r sub) Forever(ctx context.Context) (<-chan int, error) {
	return stream(ctx, r.Resolver, func(i int) (int, bool) {
		if i == 1 {
			<-ctx.Done()
		}

		return i, i == 0
	}), nil
}

func (r sub) Flood(ctx context.Context, size int) (<-chan string, error) {
	value := strings.Repeat("x", size)

	return stream(ctx, r.Resolver, func(int) (string, bool) { return value, true }), nil
}

func (sub) Refused(_ context.Context, code string) (<-chan int, error) { return nil, coded(code) }

func (r sub) Breaks(ctx context.Context, code string) (<-chan int, error) {
	return stream(ctx, r.Resolver, func(i int) (int, bool) {
		if i == 1 {
			subscription.Fail(ctx, coded(code))
		}

		return i, i == 0
	}), nil
}

func (sub) Boom(context.Context) (<-chan int, error) { panic("boom") }
