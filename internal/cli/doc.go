// Package cli is the command line: the kong commands and the wiring of each. It is the only place that knows all parts.
package cli
