// Package auth finds out who is asking, and administers who may ask.
//
// A credential is an API token or a JSON Web Token (JWT) of a configured issuer. It comes in the header Authorization, or in the
// payload of connection_init, for browsers cannot set headers on a WebSocket; never in a URL, which ends up in logs. What it
// proves becomes a model.Viewer in the context, and model.Viewer.Scope alone says what that viewer may see and do: this package
// decides who somebody is, never what an operation may touch. The one thing it decides besides is which account the viewer
// acts in: an operator names any, everybody else has their own, and cannot tell other accounts from accounts that do not exist.
//
// An API token carries its account, its number and 256 random bits; the database has the SHA-256 of these bits, which is enough,
// since nobody can guess them. The number finds the row, the digest is compared in constant time.
//
// A JWT is believed when one of its issuer's keys signed it with an asymmetric algorithm, it is for this service, and its
// times fit. Keys are found by OpenID Connect discovery when the first token comes, so that an issuer that is down keeps nobody
// from starting, and asked for again when a token names an unknown one; how often is bounded, since anybody may send
// tokens that name unknown keys. Claims say account, role and username. No claim makes an operator: the configuration names
// the subjects that are. A reader's user is created when it is unknown, as that of a reader's token is.
//
// Revocation is a matter of seconds. What was read of a token is believed for [Config].Recheck at most, so nodes need not
// tell each other anything, and the database answers one question a token and interval, however many requests use it.
// Streams live longer than that: [Authenticator.Watch] looks at all of them together, with one question an account
// and interval for all tokens, and one for each thousand users of JWTs. When the database is away, new requests fail and
// open streams stay.
package auth
