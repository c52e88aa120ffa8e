package auth_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"samjournal/internal/auth"
)

// golden is a token whose secret is 32 times 7. Its spelling is a format: it must stay valid for ever.
const golden = "sjt_aeraobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqob4cyk7jq"

func secretOf(t testing.TB, accountID, id int64, fill byte) auth.Token {
	t.Helper()
	token, err := auth.NewSecret(bytes.NewReader(bytes.Repeat([]byte{fill}, 32)), accountID, id)
	require.NoError(t, err)
	return token
}

func TestTheSpellingOfTokensStays(t *testing.T) {
	t.Parallel()
	require.Equal(t, golden, secretOf(t, 1, 34, 7).Text())
	parsed, err := auth.ParseToken(golden)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(bytes.Repeat([]byte{7}, 32)), parsed.Digest())
}

func TestTokensComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		account := rapid.Int64Range(1, math.MaxInt64).Draw(r, "account")
		id := rapid.Int64Range(1, math.MaxInt64).Draw(r, "id")
		secret := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r, "secret")
		token, err := auth.NewSecret(bytes.NewReader(secret), account, id)
		require.NoError(r, err)
		require.Regexp(r, `^sjt_[a-z2-7]+$`, token.Text())
		require.LessOrEqual(r, len(token.Text()), 94)
		parsed, err := auth.ParseToken(token.Text())
		require.NoError(r, err)
		require.Equal(r, token, parsed)
		require.Equal(r, sha256.Sum256(secret), parsed.Digest())
	})
}

func TestNoChangedCharacterPasses(t *testing.T) {
	t.Parallel()
	for i := range golden {
		for _, c := range []byte("aq7A0-= \x00\xff") {
			if changed := golden[:i] + string(rune(c)) + golden[i+1:]; changed != golden {
				_, err := auth.ParseToken(changed)
				require.Error(t, err, changed)
			}
		}
		_, err := auth.ParseToken(golden[:i])
		require.Error(t, err)
		_, err = auth.ParseToken(golden[:i] + "a" + golden[i:])
		if golden[:i]+"a"+golden[i:] != golden {
			require.Error(t, err)
		}
	}
}

func TestParseErrorsHelpAndRepeatNothing(t *testing.T) {
	t.Parallel()
	body := strings.TrimPrefix(golden, "sjt_")
	for text, want := range map[string]string{
		"":                                 "does not begin with sjt_",
		body:                               "does not begin with sjt_",
		"SJT_" + body:                      "does not begin with sjt_",
		"sjt_":                             "incomplete",
		golden[:len(golden)-5]:             "incomplete",
		"sjt_" + strings.ToUpper(body):     "other than a-z and 2-7",
		golden + "=":                       "other than a-z and 2-7",
		golden + strings.Repeat("a", 1000): "longer than 94",
	} {
		_, err := auth.ParseToken(text)
		require.ErrorContains(t, err, want)
		if len(text) > 10 {
			require.NotContains(t, err.Error(), text[len(text)-10:])
		}
	}
}

func TestTokensHaveAnAccountAndAnID(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int64{{0, 1}, {1, 0}, {-1, 1}, {1, -1}} {
		_, err := auth.NewSecret(rand.Reader, n[0], n[1])
		require.ErrorContains(t, err, "must be positive")
	}
	_, err := auth.NewSecret(strings.NewReader("short"), 1, 1)
	require.ErrorContains(t, err, "draw a secret")
}

func TestAFormattedTokenShowsNoSecret(t *testing.T) {
	t.Parallel()
	token := secretOf(t, 1, 34, 'S')
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token, "in", []any{token})
	shown := fmt.Sprintf("%v %+v %#v %s %q", token, token, token, &token, []auth.Token{token}) + log.String()
	require.Contains(t, shown, "account 1, id 34")
	require.NotContains(t, shown, token.Text()[10:30])
	require.NotContains(t, shown, "SSSS")
	require.NotContains(t, shown, "83 83")
}

func FuzzParseToken(f *testing.F) {
	f.Add("")
	f.Add("sjt_")
	f.Add(golden)
	f.Add(strings.ToUpper(golden))
	f.Add(golden + "a")
	f.Add(secretOf(f, math.MaxInt64, math.MaxInt64, 255).Text())
	f.Add("sjt_" + strings.Repeat("7", 90))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := auth.ParseToken(text)
		if err != nil {
			require.Equal(t, auth.Token{}, token)
			return
		}
		require.Equal(t, text, token.Text(), "a token has one spelling")
		require.Positive(t, token.AccountID)
		require.Positive(t, token.ID)
	})
}
