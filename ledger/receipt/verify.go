package receipt

import (
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
)

// Result is what one step of a verification came to.
type Result string

// The results. What stands behind a failed step is not checked: nothing there
// can be relied on.
const (
	OK         Result = "ok"
	Failed     Result = "failed"
	NotChecked Result = "not checked"
)

// A Step is one numbered check of a receipt.
type Step struct {
	N      int // 1 to 12
	Name   string
	Detail string // "6 of 6"
	Result Result
	// Lines say what failed: which event, and hashes in groups of eight digits.
	Lines []string
}

// A Report is what Verify found. The facts after Holds are there only if it
// holds; what the receipt does not disclose reads "not disclosed". All text is as
// it stands in the receipt: whoever shows it makes hidden characters visible.
type Report struct {
	Request countersign.RequestID
	Origin  string
	Size    int64 // of the log at the checkpoint
	Bytes   int   // of the receipt
	Events  int
	// At is when the last event in the receipt was recorded: the checkpoint is no
	// older.
	At    time.Time
	Steps []Step
	Holds bool

	// Who are the decisions, in order; By.Name may be "not disclosed".
	Who []countersign.Decision
	// What was asked for: "demo-bot asked for create_refund on mcp/payments, prod".
	What string
	// Why names the effect, the rules and the policy: "held by
	// refund-over-100, policy 823412d1".
	Why string
	// Outcome says what happened: "succeeded 2026-11-19 16:18:45.814 UTC".
	Outcome string
	// Digest names the command, zero if neither it nor a decision is disclosed.
	Digest countersign.Digest
}

const notDisclosed = "not disclosed"

// Verify checks a receipt against the pinned key in twelve steps, without network
// or database. It takes any bytes and always reports all twelve.
func Verify(receipt []byte, t ledger.Trust) Report {
	v := verification{file: receipt, trust: t}
	report := Report{Bytes: len(receipt), Holds: true}
	for i, s := range steps() {
		step := Step{N: i + 1, Name: s.name, Result: NotChecked}
		if report.Holds {
			step.Detail, step.Lines = s.check(&v)
			step.Result = OK
			if step.Lines != nil {
				step.Result, report.Holds = Failed, false
			}
		}
		report.Steps = append(report.Steps, step)
	}
	report.Request, report.Origin, report.Events = v.receipt.Request, v.receipt.Origin, len(v.receipt.Entries)
	report.Size = v.checkpoint.Size
	if n := len(v.statements); n > 0 {
		report.At = v.statements[n-1].Event.At
	}
	if report.Holds {
		v.tell(&report)
	}
	return report
}

// verification is what the steps have found so far.
type verification struct {
	file  []byte
	trust ledger.Trust

	receipt    Receipt
	note       *note.Note
	checkpoint ledger.Checkpoint
	all        []ledger.Statement  // of the events, then of the enrolments
	statements []ledger.Statement  // of the events
	enrolled   []ledger.Statement  // of the enrolments
	events     []countersign.Event // opened; Body is nil where it is not disclosed
	enrolledAs []countersign.Event
	tally      tally
	digest     countersign.Digest
}

// step is one check. It returns the detail to show, and what failed if it did.
type step struct {
	name  string
	check func(v *verification) (detail string, failed []string)
}

func steps() []step {
	return []step{
		{"receipt read", (*verification).read},
		{"origin is the pinned one", (*verification).origin},
		{"checkpoint signed by the pinned key", (*verification).signed},
		{"witnesses cosigned it", (*verification).witnessed},
		{"each statement hashes to its leaf", (*verification).stated},
		{"each path folds to the signed root", (*verification).folded},
		{"each event names the one before it", (*verification).chained},
		{"disclosed values open their commitments", (*verification).opened},
		{"command hashes to the approved digest", (*verification).digested},
		{"passkeys signed this very decision", (*verification).asserted},
		{"the decisions meet the requirement", (*verification).required},
		{"released once, in time, ended within bounds", (*verification).ended},
	}
}

// hashLines shows two hashes that should be one.
func hashLines(first string, a ledger.Hash, second string, b ledger.Hash) []string {
	var lines []string
	for _, h := range []struct {
		name string
		hash ledger.Hash
	}{{first, a}, {second, b}} {
		for i, name := range []string{h.name, ""} {
			x := fmt.Sprintf("%x", h.hash[16*i:16*i+16])
			lines = append(lines, fmt.Sprintf("%-9s %s %s %s %s", name, x[:8], x[8:16], x[16:24], x[24:]))
		}
	}
	return lines
}

// short is a hash or digest as a detail shows it.
func short(h [32]byte) string { return fmt.Sprintf("%x", h[:4]) }

// stamp is a time as lines say it, in the milliseconds of the record.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// grouped writes a decimal number as people read it: "48,233".
func grouped(n string) string {
	var b strings.Builder
	for i, c := range n {
		if i > 0 && (len(n)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
