// Package progress shows how far a long command is: a bar where a person looks at a terminal, and a plain line every few
// seconds where the output goes to a file or a log.
package progress
