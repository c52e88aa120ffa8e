package journal

// Waiting returns how many entries of all accounts wait for a commit.
func Waiting(j *Journal) int {
	c := j.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, w := range c.accounts {
		n += w.rows
	}
	return n
}
