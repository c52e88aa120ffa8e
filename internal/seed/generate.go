package seed

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"strconv"

	"samjournal/internal/journal"
	"samjournal/internal/model"
)

// generator makes one entry after the other. The payloads are written into buf and copied out.
type generator struct {
	random, keys *rand.Rand // keys have their own, so that they stay when the rest is made differently
	operations   *choice[operation]
	failures     *choice[failure]
	authors      *choice[*string]

	questions, phrases, agents, names []string

	buf []byte
}

// Generate yields opts.Entries entries, ascending by time. The inputs may be kept; the pointers in them are shared.
func Generate(opts Options) iter.Seq[journal.Input] {
	return func(yield func(journal.Input) bool) {
		g := &generator{
			random: stream(opts.Seed, 1), keys: stream(opts.Seed, 2),
			operations: operations(), failures: failures(), authors: authors(),
			questions: questions(), phrases: phrases(), agents: agents(), names: names(),
		}
		times := newTimeline(opts.End)
		spread := stream(opts.Seed, 3)
		for i := range opts.Entries {
			input := g.entry()
			at := times.at(i, opts.Entries, spread)
			input.CreatedAt = &at
			if !yield(input) {
				return
			}
		}
	}
}

// stream returns the n-th of the seed's independent random sequences.
func stream(seed, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, n)) //nolint:gosec // made-up entries, meant to be predictable
}

// entry makes everything but the time.
func (g *generator) entry() journal.Input {
	op := g.operations.pick(g.random)
	user := g.authors.pick(g.random)
	outcome := g.failures.pick(g.random)
	if user == nil && g.random.IntN(3) == 0 {
		outcome = failure{401, "NotAuthenticated", "authentication credentials were not provided"}
	}
	if outcome.status == 201 && (op.kind != manifest || op.command != model.CommandApply) {
		outcome.status = 200
	}
	input := journal.Input{
		Key: g.key(), Username: user, Thing: op.thing, Command: op.command, StatusCode: outcome.status, Origin: model.OriginSeed,
	}
	g.buf = g.buf[:0]
	g.request(op, user)
	input.Request = model.Payload(g.buf)
	g.buf = g.buf[:0]
	g.response(op, outcome)
	input.Response = model.Payload(g.buf)
	return input
}

func (g *generator) key() string {
	raw := make([]byte, 0, model.KeyLength/2)
	for len(raw) < model.KeyLength/2 {
		raw = binary.LittleEndian.AppendUint64(raw, g.keys.Uint64())
	}
	return hex.EncodeToString(raw)
}

// text appends pieces of JSON as they are.
func (g *generator) text(pieces ...string) {
	for _, piece := range pieces {
		g.buf = append(g.buf, piece...)
	}
}

// number appends a whole number from low to high.
func (g *generator) number(low, high int) {
	g.buf = strconv.AppendInt(g.buf, int64(low+g.random.IntN(high-low+1)), 10)
}

// digits appends n random hex digits, n a multiple of 16.
func (g *generator) digits(n int) {
	for ; n > 0; n -= 16 {
		word := g.random.Uint64()
		for range 16 {
			g.buf = append(g.buf, "0123456789abcdef"[word&15])
			word >>= 4
		}
	}
}

func (g *generator) one(of []string) string { return of[g.random.IntN(len(of))] }
