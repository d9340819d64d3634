package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
)

func newVerify(t *terminal) *cobra.Command {
	var key string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify FILE --key FILE", Short: "Check a receipt, offline",
		Long: `Checks a receipt in twelve steps, with the pinned key of the log and nothing
else: no network, no database. - reads the receipt from standard input. The key is
the server's data/log.vkey, taken from where nobody could change it since.

Exits with 0 if every step holds and with 9 if one does not.`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			trust, err := readTrust(key)
			if err != nil {
				return err
			}
			file, err := readInput(t, args[0])
			if err != nil {
				return err
			}
			began := time.Now()
			report := receipt.Verify(file, trust)
			return t.verified(report, time.Since(began), asJSON)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's verifier key: a file, or its text")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// readTrust reads a verifier key: a file such as log.vkey, or its text.
func readTrust(key string) (ledger.Trust, error) {
	if key == "" {
		return ledger.Trust{}, failed("--key data/log.vkey, as pinned when the log was begun", "--key is missing: a receipt proves nothing by itself")
	}
	text := key
	if b, err := os.ReadFile(key); err == nil {
		text = strings.TrimSpace(string(b))
	} else if !strings.Contains(key, "+") {
		return ledger.Trust{}, failed("", "the key cannot be read: %v", err)
	}
	v, err := ledger.NewVerifier(text)
	if err != nil {
		return ledger.Trust{}, failed("it looks like localhost/3k9m…+28b265d6+AbCd…", "%s is not a verifier key", key)
	}
	return ledger.Trust{Origin: v.Name(), Keys: note.VerifierList(v)}, nil
}

func readInput(t *terminal, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(t.in)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, failed("countersign receipt ID > FILE makes one", "%v", err)
	}
	return b, nil
}

func (t *terminal) verified(r receipt.Report, took time.Duration, asJSON bool) error {
	var err error
	if asJSON {
		err = t.json(reportJSON(r))
	} else {
		t.steps(r, took)
	}
	if err == nil && !r.Holds {
		hint := "fetch it from the log and compare"
		if r.Request != "" {
			hint += ": countersign receipt " + oneLine(string(r.Request))
		}
		return &failure{code: exitTampered, hint: hint}
	}
	return err
}

// steps lays a report out, 79 columns wide.
func (t *terminal) steps(r receipt.Report, took time.Duration) {
	t.print("receipt    %s  %s  %.1f KiB", t.paint(bold, orUnread(string(r.Request))), count(r.Events, "event"), float64(r.Bytes)/1024)
	t.print("log        %s  size %s  %s", orUnread(r.Origin), grouped(r.Size), stamp(r.At))
	t.print("")
	broken := 0
	for _, s := range r.Steps {
		if broken > 0 {
			t.print("  %2d  to %d not checked: nothing behind a broken step can be relied on", s.N, len(r.Steps))
			break
		}
		result, colour := "ok", ""
		if s.Result != receipt.OK {
			result, colour, broken = "FAILED", red, s.N
		}
		detail, more := s.Detail, ""
		if utf8.RuneCountInString(detail)+len(result) > 23 {
			detail, more, _ = strings.Cut(detail, "; ")
		}
		gap := strings.Repeat(" ", max(2, 25-utf8.RuneCountInString(detail)-len(result)))
		t.print("  %2d  %-48s%s%s%s", s.N, s.Name, oneLine(detail), gap, t.paint(colour, result))
		if more != "" {
			t.print("%54s%s", "", oneLine(more))
		}
		for _, line := range s.Lines {
			for _, row := range wrapped(line, 71) {
				t.print("        %s", row)
			}
		}
	}
	t.print("")
	if broken > 0 {
		t.print("%s  step %d of %d", t.paint(red, "DOES NOT HOLD"), broken, len(r.Steps))
		return
	}
	t.told(r)
	t.print("")
	t.print("%s      %d of %d steps, %.1f ms", t.paint(green, "holds"), len(r.Steps), len(r.Steps), float64(took.Microseconds())/1000)
}

// told says in words what a receipt that holds is about.
func (t *terminal) told(r receipt.Report) {
	label := "who"
	for _, d := range r.Who {
		says := fmt.Sprintf("%s %s %s, %s", t.paint(bold, oneLine(d.By.Name)), past(d.Choice), d.At.UTC().Format("15:04:05"), d.Assurance)
		if d.Reason != "" {
			says += fmt.Sprintf(": %q", oneLine(d.Reason))
		}
		t.print("%-9s  %s", label, says)
		label = ""
	}
	if len(r.Who) == 0 {
		t.print("who        nobody had to")
	}
	t.print("what       %s", oneLine(r.What))
	if !r.Digest.IsZero() {
		words := brief.Words(r.Digest)
		t.print("           %s", strings.Join(words[:], " "))
	}
	t.print("why        %s", oneLine(r.Why))
	t.print("outcome    %s", oneLine(r.Outcome))
}

func past(c countersign.Choice) string {
	switch c {
	case countersign.Approve:
		return "approved"
	case countersign.Reject:
		return "rejected"
	case countersign.Escalate:
		return "escalated"
	}
	return oneLine(string(c))
}

func orUnread(s string) string {
	if s == "" {
		return "(unread)"
	}
	return oneLine(s)
}

// verification is a report as --json prints it.
type verification struct {
	Holds   bool                  `json:"holds"`
	Request countersign.RequestID `json:"request,omitempty"`
	Origin  string                `json:"origin,omitempty"`
	Size    int64                 `json:"size,string"`
	Events  int                   `json:"events"`
	Steps   []verificationStep    `json:"steps"`
	What    string                `json:"what,omitempty"`
	Why     string                `json:"why,omitempty"`
	Outcome string                `json:"outcome,omitempty"`
	Digest  countersign.Digest    `json:"digest,omitzero"`
	Who     []verificationChoice  `json:"who,omitempty"`
}

type verificationStep struct {
	N      int            `json:"n"`
	Name   string         `json:"name"`
	Detail string         `json:"detail,omitempty"`
	Result receipt.Result `json:"result"`
	Lines  []string       `json:"lines,omitempty"`
}

type verificationChoice struct {
	Name      string                `json:"name"`
	Choice    countersign.Choice    `json:"choice"`
	Assurance countersign.Assurance `json:"assurance"`
	At        time.Time             `json:"at"`
	Reason    string                `json:"reason,omitempty"`
}

func reportJSON(r receipt.Report) verification {
	v := verification{
		Holds: r.Holds, Request: r.Request, Origin: r.Origin, Size: r.Size, Events: r.Events,
		What: r.What, Why: r.Why, Outcome: r.Outcome, Digest: r.Digest,
	}
	for _, s := range r.Steps {
		v.Steps = append(v.Steps, verificationStep(s))
	}
	for _, d := range r.Who {
		v.Who = append(v.Who, verificationChoice{d.By.Name, d.Choice, d.Assurance, d.At, d.Reason})
	}
	return v
}
