// Package httpserver carries the GraphQL API over HTTP. It owns everything between the socket and the executable schema:
// the addresses, the three transports (POST and GET, WebSocket, server-sent events), what a request may cost before it is
// executed, who may reach a server that has no access control, health, metrics, the Playground's files and the end of it all.
//
// # One operation, three transports
//
// Each transport turns its own framing into the same few parameters, hands them to prepare, and writes the answers that
// operation.next gives, one for a query or a mutation, many for a subscription. What is common to all (panics, error codes,
// the log line, metrics, counting for shutdown) happens there, once. The transports are our own because gqlgen's differ from
// the specifications in status codes and close codes, encode every answer a second time, have no body limit, and hold on for
// ever to a client that has stopped reading.
//
// # Two kinds of error
//
// A request that is not carried out (malformed, too large, invalid, refused) is answered without a "data" member. An error
// during execution is a part of the result, next to its data. Every error carries extensions.code. Resolvers' errors get it
// from Deps.Present; the transports' own have it from the start.
//
// # Slow and silent clients
//
// Nothing waits for a client without a limit: the head and the body of a request, connection_init, and every single write
// have one. A client that stops reading is cut off when the write's limit is over, one that has vanished when it misses a
// ping; its operations are cancelled at that moment.
//
// # Shutdown
//
// Shutdown answers /readyz with 503 at once, then refuses new operations, ends subscriptions (WebSocket 1012, an event
// stream without complete: both make stock clients connect again), lets queries and mutations finish and closes the listener
// last, so that probes see the 503.
package httpserver
