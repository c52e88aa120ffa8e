package testschema

import (
	"context"
	"errors"
	"io"
	"strconv"
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

	// Log is what the subscription log tells.
	Log Log

	keys atomic.Int64 // of subscriptions that share with nobody
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

// Viewer returns the viewer's name of a context, or "".
func Viewer(ctx context.Context) string {
	name, _ := ctx.Value(viewerKey{}).(string)

	return name
}

// Mutation gives the mutation resolvers.
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

// Bump adds to the sum and gives it.
func (r mutation) Bump(_ context.Context, by int) (int, error) {
	return int(r.Bumped.Add(int64(by))), nil
}

// SlowBump adds one when the gate opens.
func (r mutation) SlowBump(ctx context.Context) (int, error) {
	if err := r.wait(ctx); err != nil {
		return 0, err
	}

	return int(r.Bumped.Add(1)), nil
}

// Hello greets.
func (query) Hello(_ context.Context, name *string) (string, error) {
	if name == nil {
		return "hello", nil
	}

	return "hello " + *name, nil
}

// Echo gives the value back.
func (query) Echo(_ context.Context, value any) (any, error) { return value, nil }

// ID gives the id back.
func (query) ID(_ context.Context, id string) (string, error) { return id, nil }

// Fail fails with this code.
func (query) Fail(_ context.Context, code string) (string, error) { return "", coded(code) }

// Leak fails with an error that must not be shown.
func (query) Leak(context.Context) (*string, error) {
	return nil, errors.New("dial tcp 10.0.0.7: password=hunter2")
}

// Boom panics.
func (query) Boom(context.Context) (*string, error) { panic("boom") }

// Slow answers when the gate opens.
func (r query) Slow(ctx context.Context) (string, error) { return "slow", r.wait(ctx) }

// RequestID gives the request's id as resolvers see it.
func (query) RequestID(ctx context.Context) (string, error) { return requestid.From(ctx), nil }

// Viewer gives the viewer's name as resolvers see it.
func (query) Viewer(ctx context.Context) (string, error) {
	return Viewer(ctx), nil
}

// Nested begins again.
func (query) Nested(context.Context) (*Query, error) { return &Query{}, nil }

// follow offers a stream of the values that next gives, until it gives an error: io.EOF ends the subscription.
func follow[T any](
	ctx context.Context, r *Resolver, key string, next func(ctx context.Context, i int64) (T, error),
) <-chan T {
	if event, ok := subscription.Resolved[T](ctx); ok {
		return event
	}

	subscription.Offer(ctx, &stream{resolver: r, key: key, next: func(ctx context.Context, i int64) (any, error) {
		return next(ctx, i)
	}})

	return subscription.Nothing[T]()
}

// stream is made up as it is read, from the first event on.
type stream struct {
	resolver *Resolver
	key      string
	next     func(ctx context.Context, i int64) (any, error)
}

func (s *stream) Key() string { return s.key }

func (s *stream) Next() int64 { return 0 }

func (s *stream) Follow(context.Context) (subscription.Reader, error) { return &reader{stream: s}, nil }

func (s *stream) Live(context.Context) (subscription.Reader, error) {
	return &reader{stream: s, live: true}, nil
}

type reader struct {
	*stream

	live bool // it has not yet said where it begins
	at   int64
}

func (r *reader) Read(ctx context.Context) (subscription.Batch, error) {
	if r.live {
		r.live = false

		return subscription.Batch{}, nil
	}

	v, err := r.next(ctx, r.at)
	if err != nil {
		return subscription.Batch{}, err
	}

	event := subscription.Event{Position: r.at, Value: v}
	r.at++

	return subscription.Batch{Events: []subscription.Event{event}, Next: r.at}, nil
}

func (r *reader) At(next int64) (subscription.Reader, error) {
	return &reader{stream: r.stream, at: next}, nil
}

func (r *reader) Close() { r.resolver.Left <- struct{}{} }

// alone is a key that no other subscription has.
func (r *Resolver) alone() string { return strconv.FormatInt(r.keys.Add(1), 10) }

// Count counts and ends.
func (r sub) Count(ctx context.Context, to int) (<-chan int, error) {
	return follow(ctx, r.Resolver, r.alone(), func(_ context.Context, i int64) (int, error) {
		if int(i) == to {
			return 0, io.EOF
		}

		return int(i), nil
	}), nil
}

// Forever gives one value and then stays silent.
func (r sub) Forever(ctx context.Context) (<-chan int, error) {
	return follow(ctx, r.Resolver, r.alone(), func(ctx context.Context, i int64) (int, error) {
		if i == 1 {
			<-ctx.Done()

			return 0, ctx.Err()
		}

		return int(i), nil
	}), nil
}

// Late begins when the gate opens.
func (r sub) Late(ctx context.Context) (<-chan int, error) {
	if _, begun := subscription.Resolved[int](ctx); !begun {
		if err := r.wait(ctx); err != nil {
			return nil, err
		}
	}

	return r.Forever(ctx)
}

// Flood never ends.
func (r sub) Flood(ctx context.Context, size int) (<-chan string, error) {
	value := strings.Repeat("x", size)

	return follow(ctx, r.Resolver, r.alone(), func(ctx context.Context, _ int64) (string, error) { return value, ctx.Err() }), nil
}

// Refused fails before the first value.
func (sub) Refused(_ context.Context, code string) (<-chan int, error) { return nil, coded(code) }

// Breaks fails after the first value.
func (r sub) Breaks(ctx context.Context, code string) (<-chan int, error) {
	return follow(ctx, r.Resolver, r.alone(), func(_ context.Context, i int64) (int, error) {
		if i == 1 {
			return 0, coded(code)
		}

		return int(i), nil
	}), nil
}

// Boom panics.
func (sub) Boom(context.Context) (<-chan int, error) { panic("boom") }
