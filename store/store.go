// Package store says where things are kept: small interfaces, each with a suite
// in storetest that every implementation must pass. There are two, sqlite (the
// default) and memory (which fails on demand).
//
// There is one write path, Log.Commit. Everything else reads, apart from
// Ephemeral, which keeps what is off the record.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// Log is the append-only record and the only way to change anything.
type Log interface {
	// Commit records the change in one transaction: it checks that the events
	// carry the next versions of what they are about (ErrConflict), that nobody
	// holds the change's open key but the settled request that it names (OpenError),
	// that the time is not past NotAfter (ErrLate), nor before NotBefore (ErrConflict);
	// appends the leaves, updates the right edge, signs the checkpoint and updates the projections. What it acknowledges is
	// durable and inside the signed checkpoint it returns. Whoever arrives while
	// a commit is in flight shares the next one; each change is checked and
	// refused by itself, and the context of one caller cancels no other. A
	// context that ends does not take back a change that is already queued:
	// the answer is then the commit's own.
	Commit(ctx context.Context, c Change) (Committed, error)
	// Head is the newest signed checkpoint.
	Head(ctx context.Context) (ledger.Checkpoint, error)
	// Leaves returns the leaves' bytes of [from, to).
	Leaves(ctx context.Context, from, to int64) ([][]byte, error)
	// Tile returns the hashes of a tile of height 8 (C2SP tlog-tiles), full or
	// partial, at any size the log has had.
	Tile(ctx context.Context, t tlog.Tile) ([]byte, error)
}

// Requests reads requests, as they stand and as they came to be.
type Requests interface {
	Get(ctx context.Context, id countersign.RequestID) (countersign.Request, error)
	// Open returns the request that holds the open key, settled or not.
	Open(ctx context.Context, key string) (countersign.RequestID, error)
	// Events returns the recorded events of a request, or of an entity, opened,
	// in the order of versions.
	Events(ctx context.Context, id countersign.RequestID) ([]ledger.Entry, error)
	// Search returns requests, newest first, and the cursor of the next page,
	// empty at the end.
	Search(ctx context.Context, q Query) ([]countersign.Request, string, error)
	// Last says what became of the newest request that the query selects, without
	// opening anything of it; ErrNotFound if there is none.
	Last(ctx context.Context, q Query) (countersign.Repeat, error)
}

// Jobs are the things to do at a time: timers, deliveries to and from chats. Most
// are made by Commit. While a lease runs nobody else claims a job of the kind and
// key, not even one that has replaced it. A store that one process alone can have
// open ends the leases of the process before when it is opened.
type Jobs interface {
	// Claim leases up to max due jobs of the kind until now+lease. A lease of no time
	// keeps them from nobody: it only looks.
	Claim(ctx context.Context, kind string, lease time.Duration, max int) ([]Job, error)
	// Finish removes a claimed job. ErrConflict if its lease was lost, or if it was
	// replaced: the new one can then be claimed at once.
	Finish(ctx context.Context, j Job) error
	// Postpone gives a claimed job back, to be claimed again when it is due, with
	// the body it has now. ErrConflict as of Finish.
	Postpone(ctx context.Context, j Job) error
	// Add makes a job that belongs to no change; ErrExists if there is one of the
	// kind and key, which stays as it is. What it acknowledges is durable.
	Add(ctx context.Context, j Job) error
}

// Vault opens the sealed blobs of one leaf.
type Vault interface {
	Open(ctx context.Context, index int64) (ledger.Disclosure, error)
}

// Directory is what is known of people, groups, agents, resources and the
// policy. It is read-only because every change is an event.
type Directory interface {
	// Snapshot returns the directory as of the last commit. It is shared: nobody
	// writes to it.
	Snapshot(ctx context.Context) (*countersign.Directory, error)
}

// Ephemeral keeps what is off the record and ends by itself: sessions, one-use
// links, results for late askers. Values are sealed at rest.
type Ephemeral interface {
	Put(ctx context.Context, e Entry) error
	// Get returns ErrNotFound for a key that is absent or has ended.
	Get(ctx context.Context, key string) (Entry, error)
	// Take gets and removes in one step: of many takers one gets it.
	Take(ctx context.Context, key string) (Entry, error)
	// DropSubject removes all entries of the subject.
	DropSubject(ctx context.Context, subject string) error
}

// A Store is all of them, over one database.
type Store interface {
	Log
	Requests
	Jobs
	Directory
	Vault() Vault
	Ephemeral() Ephemeral
	Close() error
}

// A Counter also counts what somebody should look after. It reads as little as
// that takes, however much there is.
type Counter interface {
	Census(ctx context.Context) (Census, error)
}

// A Census is how much there is of it.
type Census struct {
	// Pending, Running and Unknown are numbers of requests.
	Pending, Running, Unknown int
	// Oldest is when the first of those that are pending was asked; zero if none is.
	Oldest time.Time
	// Jobs are those of each kind that has any.
	Jobs []Backlog
}

// A Backlog is the jobs of one kind.
type Backlog struct {
	Kind string
	// Jobs are all of them, Due those whose time has come.
	Jobs, Due int
	// Since is when the first of the due was due; zero if none is.
	Since time.Time
}

// A Cost is what one commit took, whoever shared it.
type Cost struct {
	Changes, Leaves int
	// Took is the time of the whole transaction, Sync the part in which it was made
	// durable.
	Took, Sync time.Duration
	// Err is why nothing was committed; nil if it was.
	Err error
}

// A Change is what one commit records: events of one request or one entity, in
// order, with the jobs and entries that belong to them.
type Change struct {
	Events []ledger.Event
	// Row is what a new request is found by; nil unless the first event is
	// requested.
	Row *Row
	// NotAfter refuses the change with ErrLate if it would be committed after
	// this time: a late vote is refused here, never by a sweeper. Zero is never.
	NotAfter time.Time
	// NotBefore refuses the change with ErrConflict if it would be committed before
	// this time: the clock went back since, and what was due is due no more. Zero is
	// never.
	NotBefore time.Time
	// Directory refuses the change with ErrConflict if the directory is at
	// another version by now: what was decided on somebody's standing counts only
	// while they still have it. Zero does not look.
	Directory uint64
	Jobs      []Job
	Keep      []Entry
}

// A Row is what a request is found by.
type Row struct {
	Requester string
	Resource  string
	Digest    countersign.Digest
	// OpenKey is held until the request is settled and another asks: of equal
	// keys at most one request is unsettled. Empty holds none.
	OpenKey string
	// After is the settled request that was seen to hold the open key, and loses it;
	// empty if none was. Whoever was recorded since is not passed over.
	After countersign.RequestID
}

// Committed says where a change stands.
type Committed struct {
	// First is the index of the first event's leaf; the others follow it.
	First int64
	// At is the time that the events carry.
	At time.Time
	// Entries are the events as recorded, opened.
	Entries    []ledger.Entry
	Checkpoint ledger.Checkpoint
	// Proof is that the log of the checkpoint holds the leaf of "released", which is
	// the last of a change that has it; nil for other changes.
	Proof []ledger.Hash
}

// A Query selects requests. Zero fields select all.
type Query struct {
	Decision  countersign.DecisionState
	Execution countersign.ExecutionState
	Resource  string
	Requester string
	Digest    countersign.Digest
	Since     time.Time
	Cursor    string
	Limit     int // defaults to 100, at most 500
}

// A Job is something to do at a time. There is one job for a kind and key: a new
// one of a change replaces it.
type Job struct {
	Kind string
	Key  string // the request's id, or a delivery's
	Due  time.Time
	Body []byte
	// Lease is the claim's fencing token, set by Claim.
	Lease string
}

// An Entry is one ephemeral value.
type Entry struct {
	Key     string
	Subject string
	Value   []byte
	Expires time.Time
}

// The conditions that callers act on.
var (
	ErrNotFound = errors.New("not found")
	// ErrConflict: it changed since it was read; read it again and decide again.
	ErrConflict = errors.New("it changed meanwhile")
	// ErrExists: there is one already.
	ErrExists = errors.New("there is one already")
	// ErrLate: the change would have been committed after its NotAfter.
	ErrLate = errors.New("too late")
	// ErrClock: the clock is more than 60 s behind the last event; releases stop.
	ErrClock = errors.New("the clock is behind the record; set the clock")
	// ErrSpace: less than 64 MiB of disk is free; releases stop.
	ErrSpace = errors.New("less than 64 MiB of disk is free; free some")
	// ErrUnknown: nobody can tell whether the change was committed; read it.
	ErrUnknown = errors.New("the outcome of the commit is unknown")
)

// An OpenError says that a request holds the open key which is not settled, or which
// whoever asked for the key did not know of.
type OpenError struct{ Holder countersign.RequestID }

// Error implements error.
func (e *OpenError) Error() string {
	return fmt.Sprintf("request %s holds the open key; join it", e.Holder)
}
