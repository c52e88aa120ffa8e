// Package web carries the browser's part of the product: console and Playground, built by Vite into dist and embedded in the
// binary, so that one file serves it without internet.
//
// The Go build does not need Node: without `npm run build` dist holds only a placeholder, Built reports false, and the
// server says how to build the page instead of serving it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// Dist returns the built files: console.html is served at /, index.html, the Playground, at /playground/. Everything below
// assets/ is named after a hash of its content and never changes, so it may be cached for ever; the pages must not be.
func Dist() fs.FS {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // impossible: the name is valid, and the directive above fails to compile without the directory
	}
	return dist
}

// Built reports whether the Playground was built before this binary was.
func Built() bool {
	_, err := fs.Stat(Dist(), "index.html")
	return err == nil
}
