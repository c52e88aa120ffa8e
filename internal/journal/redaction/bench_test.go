package redaction_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"samjournal/internal/journal/redaction"
	"samjournal/internal/model"
)

const clean = `{"method":"POST",` +
	`"url":"https://alpha.example.com/api/v1/cli/prompt/plugin/?new_session=false&uid=312c634ff42c6d48",` +
	`"POST":{"messages":[{"role":"user","content":"sales schema search quarterly emoji manifest weather search escalate forecast ` +
	`weather manifest data 🚀 rollback budget 🚀 naïve overflow deploy escalate naïve naïve summarize"}],"temperature":0.5,` +
	`"max_tokens":2048},"META":{"REMOTE_ADDR":"10.0.193.196","HTTP_USER_AGENT":"python-requests/2.32.3","HTTP_HOST":` +
	`"alpha.example.com","CONTENT_TYPE":"application/json"},"items":[{"id":656479,"score":0.335202,"active":false,"note":` +
	`"東京 emoji vector search report escalate"},{"id":386569,"score":0.226499,"active":true,"note":"quarterly emoji"}]}`

func BenchmarkRedact(b *testing.B) {
	r := newRedactor(b)
	for name, text := range map[string]string{
		"clean":       clean,
		"clean 300KB": `[` + strings.Repeat(clean+`,`, 300) + `1]`,
		"secrets": strings.Replace(clean, `"META":{`, `"COOKIES":{"sessionid":"587a86c1ea28a612"},"META":{`+
			`"HTTP_AUTHORIZATION":"Token 276928bf30f89df602da95fb4b127227",`, 1),
		"prose": `"` + strings.Repeat("the quarterly report of the token budget, as discussed. ", 200) + `"`,
	} {
		p := payload(b, text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.Redact(model.ThingPlugin, redaction.Request, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Texts made of beginnings must not cost more than a constant for each byte. Where they do, this takes hours and not seconds, so
// that the time limit of all tests ends it, after the log has named the text.
func TestHostileTextsTakeLinearTime(t *testing.T) {
	t.Parallel()
	r := newRedactor(t)
	for _, part := range []string{
		"token+", "sk-", "eyJ", "x://a:b/", "<", ">", "--", "password:\n\n", "password: ", "{'pin': \"", `pin: {"\"`,
		"=", "a:", "bearer ",
		"-----BEGIN PRIVATE", "{", "[", `{"a":`, "tokenize", "password", " ", "\\", "%3d", "cookie=\"", "pin:{\"\\", "token=x,", "hf_",
		"tokens=1 ", "\"", "{\"", "--pin \"", "pin: |\n ", "<pin>", "max_tokens",
		"kind: Secret\nspec:\n",
	} {
		text := strings.Repeat(part, 1<<19/len(part))
		p, err := model.PayloadOf([]any{text, map[string]any{text: text}})
		require.NoError(t, err)
		t.Logf("%q", part)
		_, _, err = r.Redact(model.ThingPlugin, redaction.Request, p)
		require.NoError(t, err)
	}
}
