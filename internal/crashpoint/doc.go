// Package crashpoint names the places at which the fault suite lets a server die.
//
// In the product [Hit] is empty and the compiler removes its calls. Built with the tag crashpoint, a process whose
// environment says SAMJOURNAL_CRASH_AT=NAME:N kills itself with SIGKILL when it comes to the point of that name for the Nth
// time: no deferred call runs, no buffer is flushed and no connection is closed in an orderly way.
package crashpoint

// The points on the way of an append, in order.
const (
	BeforeInsert = "before-insert" // in the transaction, under the head's lock: nothing is written
	AfterInsert  = "after-insert"  // in the transaction: entries and head are written, nothing is committed
	AfterCommit  = "after-commit"  // the entries are durable, nobody who waits for them knows
	BeforeAnswer = "before-answer" // the caller's goroutine knows, nothing is on its way to the client
)
