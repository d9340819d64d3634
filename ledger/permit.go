package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"golang.org/x/mod/sumdb/note"
)

// PermitLife is how long after its release a command may be started.
const PermitLife = 60 * time.Second

// ClockSkew is how far the clock of an executor, or of who reads a receipt, may be behind the record's.
const ClockSkew = 60 * time.Second

// A Release is a command with the proof that its release is on record. It is all
// that an executor needs, and it travels as JSON.
type Release struct {
	Command    Opening `json:"command"`
	Leaf       []byte  `json:"leaf"` // of the released event
	Index      int64   `json:"index,string"`
	Proof      []Hash  `json:"proof"`
	Checkpoint []byte  `json:"checkpoint"` // the signed note
}

// Trust is whom a verifier believes: the log of one origin, by its pinned keys.
type Trust struct {
	Origin string
	Keys   note.Verifiers
}

// A Permit is the single-use right to run one command. One that exists is a proof
// that held: OpenPermit is the only constructor, and the zero Permit gives
// nothing.
type Permit struct {
	command []byte
	parsed  countersign.Command
	request countersign.RequestID
	bounds  map[string]string
	at      time.Time
	leaf    Hash
}

var errNoPermit = errors.New("no permit: only ledger.OpenPermit makes one")

// OpenPermit checks a release as the executor of the name, at the time, and
// returns the right to run it. The checkpoint must be signed by a pinned key for
// the pinned origin, the leaf must be in its log and release the command to this
// executor, the command must be the one that the leaf is about and be on this
// resource, and the time must be at most PermitLife after the release, and at
// most 60 s before it, where the clocks differ.
func OpenPermit(r Release, t Trust, executor string, now time.Time) (*Permit, error) {
	p, err := openPermit(r, t, executor, now)
	if err != nil {
		return nil, fmt.Errorf("permit of leaf %d for %q: %w", r.Index, executor, err)
	}
	return p, nil
}

func openPermit(r Release, t Trust, executor string, now time.Time) (*Permit, error) {
	cp, err := OpenCheckpoint(r.Checkpoint, t.Origin, t.Keys)
	if err != nil {
		return nil, err
	}
	hash := LeafHash(r.Leaf)
	if err := CheckProof(cp, r.Index, hash, r.Proof); err != nil {
		return nil, err
	}
	st, err := ParseLeaf(r.Leaf)
	if err != nil {
		return nil, err
	}
	e := st.Event
	if e.Kind != countersign.KindReleased {
		return nil, fmt.Errorf("the leaf is of a %s event; only a released one lets a command run", e.Kind)
	}
	if executor == "" || e.Public.Executor != executor {
		return nil, fmt.Errorf("the release is for %q", e.Public.Executor)
	}
	if err := checkOpening(SlotCommand, &r.Command, st.Command); err != nil {
		return nil, err
	}
	c, err := countersign.ParseCommand(r.Command.Value)
	if err != nil {
		return nil, err
	}
	if c.On() != executor {
		return nil, fmt.Errorf("the command is on %q", c.On())
	}
	if err := checkLife(e.At, now); err != nil {
		return nil, err
	}
	return &Permit{
		command: bytes.Clone(r.Command.Value), parsed: c, request: e.Request,
		bounds: maps.Clone(e.Public.Bounds), at: e.At, leaf: hash,
	}, nil
}

func checkLife(released, now time.Time) error {
	if now.Before(released.Add(-ClockSkew)) {
		return fmt.Errorf("released at %s and it is %s: set the clock", stamp(released), stamp(now))
	}
	if now.After(released.Add(PermitLife)) {
		return fmt.Errorf("released at %s and it is %s: a permit lives %s; ask for the command again", stamp(released), stamp(now), PermitLife)
	}
	return nil
}

// Command returns the command to run.
func (p *Permit) Command() (countersign.Command, error) {
	if p == nil || p.parsed == nil {
		return nil, errNoPermit
	}
	return p.parsed, nil
}

// Canonical returns the canonical bytes of the command, nil without a permit.
func (p *Permit) Canonical() []byte {
	if p == nil {
		return nil
	}
	return bytes.Clone(p.command)
}

// Request names the request, empty without a permit.
func (p *Permit) Request() countersign.RequestID {
	if p == nil {
		return ""
	}
	return p.request
}

// Bounds are the limits that hold while the command runs.
func (p *Permit) Bounds() map[string]string {
	if p == nil {
		return nil
	}
	return maps.Clone(p.bounds)
}

// ID names the release: the hash of its leaf, zero without a permit.
func (p *Permit) ID() Hash {
	if p == nil {
		return Hash{}
	}
	return p.leaf
}

// ErrSpent is the answer to a permit that was spent before.
var ErrSpent = errors.New("the permit was spent; a command runs once for each release")

// Spent remembers which permits an executor has spent, in memory: what was
// released before the executor started is refused, since it may have been spent
// before a restart. It is safe for concurrent use.
type Spent struct {
	since time.Time

	mu    sync.Mutex
	last  time.Time          // the latest time seen: a clock that goes back revives nothing
	swept time.Time          // when the old ones were last forgotten
	spent map[Hash]time.Time // by ID, when it was released
}

// NewSpent returns an empty memory of an executor that started at the time.
func NewSpent(since time.Time) *Spent {
	return &Spent{since: millis(since), spent: map[Hash]time.Time{}}
}

// Spend uses the permit up. It returns ErrSpent if that was done before, and
// another error for a permit that is none, is over, or is older than the executor.
func (s *Spent) Spend(p *Permit, now time.Time) error {
	if p == nil || p.command == nil {
		return errNoPermit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.last) {
		s.last = now
	}
	if _, ok := s.spent[p.leaf]; ok {
		return fmt.Errorf("%s: %w", p.request, ErrSpent)
	}
	if p.at.Before(s.since) {
		return fmt.Errorf("%s was released at %s, before this executor started at %s, and may have run; ask for it again", p.request, stamp(p.at), stamp(s.since))
	}
	if err := checkLife(p.at, s.last); err != nil {
		return fmt.Errorf("%s: %w", p.request, err)
	}
	s.spent[p.leaf] = p.at
	if s.last.Sub(s.swept) > PermitLife {
		s.swept = s.last
		maps.DeleteFunc(s.spent, func(_ Hash, at time.Time) bool { return s.last.After(at.Add(PermitLife)) })
	}
	return nil
}
