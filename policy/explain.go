package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// Explain tells a verdict in plain lines, for a terminal: what it is and by
// which rules, what each says, what it needs, and what the other candidates
// came to. The text is not made safe to print: a rule may hold any character.
func Explain(v countersign.Verdict) string {
	var b strings.Builder
	said := map[countersign.Effect]string{countersign.Allow: "allowed", countersign.Hold: "held", countersign.Deny: "denied"}[v.Effect]
	if said == "" {
		said = fmt.Sprintf("no verdict (%q)", v.Effect)
	}
	leading := v.Leading()
	for _, r := range leading {
		fmt.Fprintf(&b, "%s by %s, %s%s\n", said, r.ID, r.Source, colon(r.Why))
		if r.Value != countersign.RuleTrue {
			fmt.Fprintf(&b, "  it counts because it is %s: %s\n", r.Value, r.Waits)
		}
	}
	if len(leading) == 0 {
		fmt.Fprintf(&b, "%s by default: no rule speaks for it\n", said)
	}
	if v.Requirement != nil {
		explainRequirement(&b, v.Requirement)
	}
	for _, r := range v.Rules {
		if !r.Counts {
			fmt.Fprintf(&b, "%s, %s, which would %s, was %s%s\n", r.ID, r.Source, r.Effect, r.Value, colon(r.Waits))
		}
	}
	return b.String()
}

func explainRequirement(b *strings.Builder, r *countersign.Requirement) {
	for _, s := range r.Stages {
		fmt.Fprintf(b, "needs %d of %s, assurance %s\n", s.Quorum, strings.Join(s.Reviewers, " or "), s.Assurance)
	}
	if r.Reason {
		b.WriteString("needs a reason\n")
	}
	for _, name := range boundNames() {
		if limit, ok := r.Bounds[name]; ok {
			fmt.Fprintf(b, "at most %s %s\n", limit, name)
		}
	}
	for _, why := range slices.Sorted(slices.Values(r.Blocked)) {
		fmt.Fprintf(b, "nobody can approve it: %s\n", why)
	}
	fmt.Fprintf(b, "until %s, then to be run within %s\n", r.ExpiresAt.UTC().Format(time.RFC3339), time.Duration(r.RunWithinSeconds)*time.Second)
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}
