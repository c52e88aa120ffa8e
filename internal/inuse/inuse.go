// Package inuse keeps what belongs to each of many names, such as a viewer's share of something, for as long as somebody uses it.
package inuse

import "sync"

// Table has a value for each name that is in use, and none for others. It is safe for concurrent use.
type Table[V any] struct {
	create func() V

	mu   sync.Mutex
	used map[string]*use[V] // guarded by mu
}

type use[V any] struct {
	value V
	times int
}

// NewTable returns an empty table, which makes a name's value when its use begins.
func NewTable[V any](create func() V) *Table[V] {
	return &Table[V]{create: create, used: make(map[string]*use[V])}
}

// Enter returns the value that all have who use the name now. leave has to be called once; with the last one the value goes.
func (t *Table[V]) Enter(name string) (value V, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()

	own := t.used[name]
	if own == nil {
		own = &use[V]{value: t.create()}
		t.used[name] = own
	}

	own.times++

	return own.value, func() {
		t.mu.Lock()
		defer t.mu.Unlock()

		own.times--
		if own.times == 0 {
			delete(t.used, name)
		}
	}
}

// Len is how many names are in use.
func (t *Table[V]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()

	return len(t.used)
}
