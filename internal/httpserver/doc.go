// Package httpserver carries the GraphQL API over HTTP. It owns everything between the socket and the executable schema:
// the addresses, the three transports (POST and GET, WebSocket, server-sent events), TLS, where a request comes from and
// whether it is let in, what a request may cost before it is executed, health, metrics, the Playground's files and the end of
// it all.
//
// # One operation, three transports
//
// Each transport turns its own framing into the same few parameters, hands them to prepare, and writes the one answer that
// operation.response gives to a query or a mutation. A subscription becomes a subscriber of a broadcast, with the transport as
// its sink. What is common to all (panics, error codes, the log line, metrics, counting for shutdown) happens there, once. The
// transports are our own because gqlgen's differ from the specifications in status codes and close codes, encode every answer
// a second time, have no body limit, and hold on for ever to a client that has stopped reading.
//
// # Subscriptions
//
// A resolver does not run a subscription, it offers a stream (internal/subscription). Streams with equal keys share a
// broadcast: one goroutine that reads, resolves and encodes each event once, and keeps the newest. A subscriber is a place
// among them. It has a goroutine only while there is something to send to it; when its place is dropped, that goroutine reads,
// resolves and sends what is missing for it alone, until the broadcast has what comes next.
//
// # Two kinds of error
//
// A request that is not carried out (malformed, too large, invalid, refused) is answered without a "data" member. An error
// during execution is a part of the result, next to its data. Every error carries extensions.code. Resolvers' errors get it
// from Deps.Present; the transports' own have it from the start.
//
// # The way in
//
// A connection is counted (connections). A request gets its client's address, which a trusted proxy may tell (proxies), must
// not come from a foreign page (checkAccess, cors), and is one of its address's requests (rates). Its body or message takes
// memory as it comes, and for what it is decoded to (intake). The viewer is found out, unless too many wrong credentials came
// from there (logins). The operation is one of its viewer's, waits for its turn to be parsed and executed (turns), costs its
// viewer what its document is measured to cost (charge), and has a time limit. What refuses says when to come again, and is
// counted in samjournal_refused_total.
//
// # Slow and silent clients
//
// Nothing waits for a client without a limit: the head and the body of a request, connection_init, a message once it has
// begun, and every single write have one. A client that stops reading is cut off when the write's limit is over, one that has
// vanished when it misses a ping; its operations are cancelled at that moment.
//
// # Shutdown
//
// Shutdown answers /readyz with 503 at once, then refuses new operations, ends subscriptions (WebSocket 1012, an event
// stream without complete: both make stock clients connect again), lets queries and mutations finish and closes the listener
// last, so that probes see the 503.
package httpserver
