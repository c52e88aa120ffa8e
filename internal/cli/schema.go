package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"samjournal/graph"
)

type schemaCmd struct{}

// Help teaches the command.
func (schemaCmd) Help() string {
	return `For code generators and linters of clients:

  samjournal schema > schema.graphql`
}

// Run prints the SDL.
func (schemaCmd) Run(io *streams) error {
	_, err := fmt.Fprint(io.out, graph.SDL())
	return err
}

type versionCmd struct{}

// Run prints the version of the module and of Go, and the commit where it is known.
func (versionCmd) Run(io *streams) error {
	version, commit := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	_, err := fmt.Fprintf(io.out, "samjournal %s%s (%s %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
