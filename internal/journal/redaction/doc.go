// Package redaction masks secrets in payloads before they are stored. A journal keeps what it is given for ever, so a secret
// that slips in stays; an ordinary value masked by mistake is lost. Where the two pull apart, the rules mask.
//
// A masked value becomes the string "[REDACTED]" (Marker) and the place is reported as a JSON Pointer (RFC 6901).
//
// # By name
//
// Names are compared by their letters and digits alone, in lower case, compatibility forms and accents resolved: apiKey,
// api_key, API-KEY and the end of HTTP_X_API_KEY are one name. A rule written *secret* matches anywhere in a name
// (stripeSecretKey), one written pin matches whole words of it (user_pin, pinCode, not shipping), one written =auth the whole
// name only. An exception of the same form takes back what lies inside it: *tokeniz* the token in tokenizer, max_tokens the
// one in max_tokens; it does not take back the rest of a name (max_tokens_password is masked). Words that follow the secret's
// name and say that the value is about the secret and not the secret itself also take it back: password_changed_at,
// token_type, secret_name, cookie_policy. Numbers under a name with the plural tokens are counts and stay.
//
// What a matching name masks is the whole value, object or array too. Left as they are, because there is nothing in them to
// hide: null, true, false, "", {}, [], and "[REDACTED]" itself, which is why redacting twice changes and reports nothing more.
//
// The same names are found in pairs: ["Authorization", "…"] in a list of such pairs or in a flat list under a name with
// headers, {"name": "Cookie", "value": "…"} and its relatives in either order (also {"field": …, "old": …, "new": …}), and
// ["--password", "…"] as in a command line.
//
// # By value
//
// In every string, and only the secret part of it is replaced: the credentials after Bearer, Token or Basic (unless what follows
// is an ordinary word, "Token expired"), JSON Web Tokens, keys with a well-known beginning (sk-, ghp_, AKIA, …), password
// hashes, PEM private keys, the password in scheme://user:password@host, and what follows a secret's name in text: query
// strings and forms (?token=…&), headers, cookies, YAML, the forms of Python, Ruby and shell, XML elements, --password …, and
// broken or cut JSON. In the middle of a sentence "token: word" is masked only if the word looks like a secret.
//
// A string that itself holds JSON, three strings deep, is redacted inside; deeper ones as text.
//
// A member name that holds a secret (not: that is called like one) costs the whole object, which becomes the marker: replacing
// the name could make two names equal.
//
// # By thing
//
// For a thing whose whole body is secret (Secret by default) everything is masked but the envelope: of the request url (without
// its query), method, path, encoding, content_type, user, META and COOKIES, of the response api, thing, metadata and message,
// and these by the other rules. A payload of another shape is masked whole. An object whose kind is such a thing has its spec,
// data and stringData masked in the payloads of other things, too, and so has YAML text with such a kind.
//
// # Limits
//
// No rule finds a secret that neither its place nor its form gives away: "the password is hunter2" stays, and so do options
// of one letter (-u user:password) and card numbers under a plain name. A payload in which
// more than MaxPaths places are masked reports the one pointer "", the whole.
package redaction
