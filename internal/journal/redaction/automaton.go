package redaction

// automaton finds all occurrences of a set of patterns in one pass (Aho and Corasick, 1975), one table look-up a byte.
type automaton struct {
	class [256]uint8 // the alphabet: bytes that occur in no pattern are class 0
	width int
	next  []uint16   // state*width+class → state, with accepting set if any pattern ends there
	ends  [][]uint16 // state → the patterns that end there, longest first
}

const (
	accepting = 1 << 15
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
		state := 0
		for i := range len(p) {
			edge := state*a.width + int(a.class[p[i]])
			if a.next[edge] == 0 {
				a.next[edge] = uint16(len(a.ends)) //nolint:gosec // far fewer than 32,768 states; New checks the rules' length
				a.addState()
			}
			state = int(a.next[edge])
		}
		a.ends[state] = append(a.ends[state], uint16(id)) //nolint:gosec // as above
	}
	a.link()
	return a
}

func (a *automaton) addState() {
	a.next = append(a.next, make([]uint16, a.width)...)
	a.ends = append(a.ends, nil)
}

// link fills the missing edges with those of the longest proper suffix, breadth first, and marks accepting targets.
func (a *automaton) link() {
	suffix := make([]uint16, len(a.ends))
	queue := make([]uint16, 0, len(a.ends))
	for _, child := range a.next[:a.width] {
		if child != 0 {
			queue = append(queue, child)
		}
	}
	for head := 0; head < len(queue); head++ {
		state := int(queue[head])
		fallback := int(suffix[state])
		a.ends[state] = append(a.ends[state], a.ends[fallback]...)
		for c := range a.width {
			edge := state*a.width + c
			if child := a.next[edge]; child != 0 {
				suffix[child] = a.next[fallback*a.width+c]
				queue = append(queue, child)
			} else {
				a.next[edge] = a.next[fallback*a.width+c]
			}
		}
	}
	for edge, state := range a.next {
		if len(a.ends[state]) > 0 {
			a.next[edge] |= accepting
		}
	}
}

// step moves on by one byte. The result carries accepting when patterns end here; found lists them.
func (a *automaton) step(state uint16, c byte) uint16 {
	return a.next[int(state&stateMask)*a.width+int(a.class[c])]
}

func (a *automaton) found(state uint16) []uint16 { return a.ends[state&stateMask] }
