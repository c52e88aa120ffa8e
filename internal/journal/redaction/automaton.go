package redaction

// automaton finds all occurrences of a set of patterns in one pass (Aho and Corasick, 1975), one table look-up a byte.
type automaton struct {
	class [256]uint8 // the alphabet: bytes that occur in no pattern are class 0
	width int
	next  []uint32   // state+class → state, with accepting set if any pattern ends there
	ends  [][]uint16 // state/width → the patterns that end there, longest first
}

// A state is the index of its row in next, so that a step needs no multiplication.
const (
	accepting = 1 << 31
	stateMask = accepting - 1
)

// newAutomaton builds the table for patterns of bytes; upper-case letters are taken for lower-case ones if fold is set.
func newAutomaton(patterns []string, fold bool) *automaton {
	a := &automaton{width: 1}
	for _, p := range patterns {
		for i := range len(p) {
			if a.class[p[i]] == 0 {
				a.class[p[i]] = uint8(a.width) //nolint:gosec // there are at most 255 other bytes
				a.width++
			}
		}
	}
	if fold {
		for c := 'A'; c <= 'Z'; c++ {
			a.class[c] = a.class[c-'A'+'a']
		}
	}
	a.addState()
	for id, p := range patterns {
		state := uint32(0)
		for i := range len(p) {
			edge := state + uint32(a.class[p[i]])
			if a.next[edge] == 0 {
				a.next[edge] = uint32(len(a.next)) //nolint:gosec // far below 2^31: New bounds number and length of the rules
				a.addState()
			}
			state = a.next[edge]
		}
		row := a.row(state)
		a.ends[row] = append(a.ends[row], uint16(id))
	}
	a.link()
	return a
}

func (a *automaton) row(state uint32) int { return int(state&stateMask) / a.width }

func (a *automaton) addState() {
	a.next = append(a.next, make([]uint32, a.width)...)
	a.ends = append(a.ends, nil)
}

// link fills the missing edges with those of the longest proper suffix, breadth first, and marks accepting targets.
func (a *automaton) link() {
	suffix := make([]uint32, len(a.ends))
	queue := make([]uint32, 0, len(a.ends))
	for _, child := range a.next[:a.width] {
		if child != 0 {
			queue = append(queue, child)
		}
	}
	for head := 0; head < len(queue); head++ {
		state := queue[head]
		fallback := suffix[a.row(state)]
		a.ends[a.row(state)] = append(a.ends[a.row(state)], a.ends[a.row(fallback)]...)
		for c := range uint32(a.width) { //nolint:gosec // at most 256
			child, other := a.next[state+c], a.next[fallback+c]
			if child == 0 {
				a.next[state+c] = other
				continue
			}
			suffix[a.row(child)] = other
			queue = append(queue, child)
		}
	}
	for edge, state := range a.next {
		if len(a.ends[a.row(state)]) > 0 {
			a.next[edge] |= accepting
		}
	}
}

// step moves on by one byte. The result carries accepting when patterns end here; found lists them.
func (a *automaton) step(state uint32, c byte) uint32 {
	return a.next[state&stateMask+uint32(a.class[c])]
}

func (a *automaton) found(state uint32) []uint16 { return a.ends[a.row(state)] }
