// Package fault holds the fault suite: it breaks servers, connections and databases while writers append and subscribers
// follow, and then compares what they were told with what plain SQL finds in the tables.
//
// Its files need the build tag fault, so that `go test ./...` leaves it alone; `make fault` runs it. SAMJOURNAL_TEST_LONG=1
// breaks each thing more often. Nothing of the product is imported: the servers are the built binary, with the crash points
// of internal/crashpoint compiled in. What a run counted is in its log (-v).
package fault
