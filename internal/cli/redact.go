package cli

import (
	"fmt"
	"io"
	"os"

	"samjournal/internal/config"
	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

type redactCmd struct {
	Redaction config.Redaction `embed:"" group:"Redaction"`

	File    string `arg:"" optional:"" default:"-" help:"JSON document; - for standard input. Default: ${default}"`
	Thing   string `default:"Prompt" env:"SAMJOURNAL_REDACT_THING" placeholder:"THING" help:"Thing of the entry that the document is the request or response of. Default: ${default}"`
	Part    string `enum:"request,response" env:"SAMJOURNAL_REDACT_PART" default:"request" help:"request or response. Default: ${default}"`
	Explain bool   `env:"SAMJOURNAL_REDACT_EXPLAIN" xor:"output" help:"Instead of the redacted document, print a line for each masked place: its JSON Pointer and the rule. Values are never printed."`
	Digest  bool   `env:"SAMJOURNAL_REDACT_DIGEST" xor:"output" help:"Instead of the redacted document, print its length and digest, as they are in the marker of a truncated payload."`
}

// Help teaches the command.
func (*redactCmd) Help() string {
	return `Use it to find out whether a secret of yours would be masked, and what to add to --redact-names if not.

  samjournal redact request.json                                 the document as it would be stored
  echo '{"apiKey": "abc"}' | samjournal redact --explain         what is masked, and why
  samjournal redact --digest request.json                        is this what an entry has the beginning of?`
}

// Run prints the redacted document, or what was masked and why, or by what the document is recognised.
func (c *redactCmd) Run(std *streams) error {
	if err := c.Redaction.Validate(); err != nil {
		return err
	}
	thing, err := model.ParseThing(c.Thing)
	if err != nil {
		return fmt.Errorf("--thing: %w", err)
	}
	redactor, err := newRedactor(c.Redaction)
	if err != nil {
		return err
	}
	text, err := c.read(std.in)
	if err != nil {
		return err
	}
	payload, err := model.ParsePayload(text)
	if err != nil {
		return fmt.Errorf("the document is not acceptable: %w", err)
	}
	part := redaction.Request
	if c.Part == "response" {
		part = redaction.Response
	}
	if c.Explain {
		return explain(std.out, redactor, thing, part, payload)
	}
	masked, _, err := redactor.Redact(thing, part, payload)
	if err != nil {
		return err
	}
	if c.Digest {
		_, err = fmt.Fprintf(std.out, `{"bytes":%d,"sha256":%q}`+"\n", len(masked), model.TruncationDigest(masked))
		return err
	}
	_, err = fmt.Fprintln(std.out, masked)
	return err
}

func (c *redactCmd) read(stdin io.Reader) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(c.File)
}

func explain(out io.Writer, r *redaction.Redactor, thing model.Thing, part redaction.Part, p model.Payload) error {
	matches, err := r.Explain(thing, part, p)
	if err != nil {
		return err
	}
	for _, m := range matches {
		if _, err := fmt.Fprintf(out, "%s\t%s\n", m.Pointer, m.Rule); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%d places masked\n", len(matches))
	return err
}
