// Package subscription is what resolvers and transports agree on about subscriptions. The generated code wants a channel of
// every subscriber, in which each would be executed and encoded by itself. Here a resolver offers a Stream instead, and
// is called again with each event, so that a transport can have one execution and one encoded payload for all subscribers of
// equal streams. It is a leaf: it knows neither transports nor what the events are.
package subscription

import "context"

// Event is one thing that a subscription tells.
type Event struct {
	Position int64 // its place in the order of all events; streams leave some out
	Value    any   // what the resolver's channel carries
}

// Batch is what a Reader has read.
type Batch struct {
	Events []Event // in order
	Next   int64   // the position before which all events have been read
	// Ahead, when not nil, is why those must end who were further than this reader before it read this: what they have seen
	// is there no longer, and these events may be others in its place.
	Ahead error
}

// Reader reads the events of a stream. It is for one goroutine, but for At.
type Reader interface {
	// Read waits until there is more to be read and returns it; no event may be among it. A stream that is complete ends with
	// io.EOF; any other error is for the client.
	Read(ctx context.Context) (Batch, error)
	// At returns another reader of the same stream, which begins at this position. Any goroutine may call it until Close.
	At(next int64) (Reader, error)
	// Close ends reading. It is called once.
	Close()
}

// Stream is what a subscription tells one subscriber.
type Stream interface {
	// Key is equal for streams that give equal responses for equal events, wherever they begin.
	Key() string
	// Next is the position of the first event that the subscriber wants.
	Next() int64
	// Follow reads from Next on.
	Follow(ctx context.Context) (Reader, error)
	// Live reads what comes from now on. Its first Batch has no events and says where that is.
	Live(ctx context.Context) (Reader, error)
}

type (
	slotKey  struct{}
	eventKey struct{}
)

// slot takes what a resolver offers.
type slot struct{ offered Stream }

// Offer gives the transport the stream of the subscription that is being resolved. The resolver then returns a channel that
// is closed. Outside a subscription it does nothing.
func Offer(ctx context.Context, s Stream) {
	if place, ok := ctx.Value(slotKey{}).(*slot); ok {
		place.offered = s
	}
}

// Offered returns a context in which a stream can be offered, and a function that gives it, or nil.
func Offered(ctx context.Context) (context.Context, func() Stream) {
	place := &slot{}
	return context.WithValue(ctx, slotKey{}, place), func() Stream { return place.offered }
}

// WithEvent returns a context in which the subscription's resolver gives a channel of this event alone.
func WithEvent(ctx context.Context, e Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

// Resolved is for resolvers: the channel of the one event of the context, or false when the subscription is beginning.
func Resolved[T any](ctx context.Context) (<-chan T, bool) {
	e, ok := ctx.Value(eventKey{}).(Event)
	if !ok {
		return nil, false
	}
	one := make(chan T, 1)
	if v, ok := e.Value.(T); ok {
		one <- v
	}
	close(one)
	return one, true
}

// Nothing is what a resolver returns that has offered its stream.
func Nothing[T any]() <-chan T {
	none := make(chan T)
	close(none)
	return none
}
