package brief

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// A Fact is one of the strip under the sentence.
type Fact struct {
	// Name is one of the Fact constants; a channel has its own words for it.
	Name   string `json:"name"`
	Value  Text   `json:"value"`
	Detail Text   `json:"detail,omitempty"`
}

// The facts, in the order in which they are shown.
const (
	FactAsks   = "asks"
	FactFor    = "for"
	FactWhere  = "where"
	FactData   = "data"
	FactCameIn = "came in"
)

func facts(r countersign.Request, p people) []Fact {
	labels := slices.DeleteFunc(append([]string{r.Resource.Environment}, r.Resource.Regions...),
		func(s string) bool { return s == "" })
	where := "unlabelled"
	if len(labels) > 0 {
		where = strings.Join(cleanAll(labels), ", ")
	}
	if r.Resource.Name == countersign.ControlResource {
		where = "this server itself"
	}
	if r.Resource.UnsafeSameUser {
		where += ", runs without isolation"
	}
	detail := say(where)
	if r.Resource.Wrapped != "" {
		detail = join(detail, say(", runs in a process of "), name(r.Resource.Wrapped), say(", who could also do it without asking"))
	}
	return []Fact{
		{FactAsks, name(nameOf(r.Requester)), p.kind(r.Requester)},
		onBehalfOf(r, p),
		{FactWhere, name(r.Resource.Name), detail},
		data(r),
		cameIn(r),
	}
}

func onBehalfOf(r countersign.Request, p people) Fact {
	f := Fact{Name: FactFor, Value: say("nobody")}
	for i, who := range r.OnBehalfOf {
		if i == 0 {
			f.Value, f.Detail = name(nameOf(who)), p.kind(who)
			continue
		}
		f.Value = join(f.Value, say(", "), name(nameOf(who)))
		f.Detail = join(f.Detail, say("; "), p.kind(who))
	}
	return f
}

func data(r countersign.Request) Fact {
	if r.Resource.Name == countersign.ControlResource {
		return Fact{Name: FactData, Value: say("none"), Detail: say("it changes rules, or who or what they are about")}
	}
	f := Fact{Name: FactData, Value: say("unlabelled")}
	if len(r.Facts.Classes) > 0 {
		f.Value = say(strings.Join(cleanAll(r.Facts.Classes), ", "))
	}
	switch {
	case r.Facts.Exports:
		f.Detail = join(say("goes to "), sink(r.Facts.Sink))
	case r.Facts.Certainty == countersign.Known:
		f.Detail = say("goes to the requester only")
	default:
		f.Detail = say("where it goes is " + string(certainty(r.Facts.Certainty)))
	}
	if r.Facts.Certainty == countersign.Possible {
		f.Detail = join(f.Detail, say(", possible"))
	}
	return f
}

func cameIn(r countersign.Request) Fact {
	door := map[string]string{"mcp": "MCP door", "http": "HTTP door", "api": "API", "admin": "admin socket",
		"pgwire": "PostgreSQL door", "console": "console"}[r.Origin.Door]
	if door == "" {
		door = clean(r.Origin.Door) + " door"
	}
	f := Fact{Name: FactCameIn, Value: say(door + " " + stamp(r.CreatedAt))}
	var parts []Text
	if r.Origin.Peer != "" {
		parts = append(parts, name(r.Origin.Peer))
	}
	if r.Origin.Client != "" {
		parts = append(parts, join(name(r.Origin.Client), quiet(" (claimed)")))
	}
	if r.Origin.ServerAccount {
		parts = append(parts, say("may run under the server's own account"))
	}
	for i, part := range parts {
		if i > 0 {
			f.Detail = append(f.Detail, Span{Text: ", "})
		}
		f.Detail = append(f.Detail, part...)
	}
	return f
}

// stamp is a moment to the second, in UTC.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Touches is what the command would touch, as far as that is known.
type Touches struct {
	Objects []Touch `json:"objects"`
	// Unknown says what is not known of it, empty if nothing is missing.
	Unknown Text `json:"unknown,omitempty"`
}

// A Touch is one object.
type Touch struct {
	Name      Text                  `json:"name"`
	Verb      string                `json:"verb"`
	Classes   string                `json:"classes"`
	Count     string                `json:"count"` // "48,211", "unknown"
	Certainty countersign.Certainty `json:"certainty"`
}

func touches(r countersign.Request, v veil) Touches {
	f, t := r.Facts, Touches{Objects: []Touch{}}
	for _, o := range f.Objects {
		t.Objects = append(t.Objects, touch(o, v))
	}
	switch {
	case len(f.Verbs) == 0 || certainty(f.Certainty) == countersign.Unknown:
		t.Unknown = join(say("What it would do in "), name(r.Resource.Name), say(" is unknown."))
	case len(f.Objects) == 0:
		t.Objects = append(t.Objects, touch(countersign.Object{Name: r.Resource.Name,
			Verb: strings.Join(f.Verbs, ", "), Classes: f.Classes, Certainty: f.Certainty}, v))
		t.Unknown = join(say("Which objects of "), name(r.Resource.Name), say(" it would touch is unknown."))
	}
	return t
}

func touch(o countersign.Object, v veil) Touch {
	t := Touch{Name: v.name(o.Name), Verb: clean(o.Verb), Classes: "unlabelled", Count: "unknown", Certainty: certainty(o.Certainty)}
	if len(o.Classes) > 0 {
		t.Classes = strings.Join(cleanAll(o.Classes), ", ")
	}
	if o.Count != "" {
		t.Count = thousands(o.Count)
	}
	return t
}

// Why is what the policy says and which rules led to it.
type Why struct {
	Effect countersign.Effect `json:"effect"`
	// Rules are the rules that bear on the verdict.
	Rules []Rule `json:"rules"`
	// Says is "2 of 41 rules were true", or why there is no rule.
	Says string `json:"says"`
}

// A Rule is one rule that bears on the verdict.
type Rule struct {
	ID     string                `json:"id"`
	Value  countersign.RuleValue `json:"value"`
	Source string                `json:"source,omitempty"` // "policy/payments.yaml:22"
	Why    string                `json:"why,omitempty"`
	// Doubt says why a rule counts that is not known to be true.
	Doubt string `json:"doubt,omitempty"`
}

func why(v countersign.Verdict) Why {
	w := Why{Effect: v.Effect, Rules: []Rule{}}
	for _, r := range v.Leading() {
		rule := Rule{ID: clean(r.ID), Value: r.Value, Source: clean(r.Source), Why: clean(r.Why)}
		if r.Value != countersign.RuleTrue {
			rule.Doubt = "counts because it is " + clean(string(r.Value))
			if r.Waits != "" {
				rule.Doubt += ": " + clean(r.Waits)
			}
		}
		w.Rules = append(w.Rules, rule)
	}
	isTrue := 0
	for _, r := range v.Rules {
		if r.Value == countersign.RuleTrue {
			isTrue++
		}
	}
	switch {
	case v.Effect == "":
		w.Says = "not judged yet"
	case len(w.Rules) == 0:
		w.Says = "no rule speaks of it, so the default counts"
	case isTrue == 1:
		w.Says = "1 of " + count(len(v.Rules), "rule") + " was true"
	default:
		w.Says = strconv.Itoa(isTrue) + " of " + count(len(v.Rules), "rule") + " were true"
	}
	return w
}

// bounds says what holds while it runs: "at most 53,042 rows, 60 s, once, within
// 10 min of approval". It is empty where no person is asked.
func bounds(q *countersign.Requirement) string {
	if q == nil {
		return ""
	}
	var limits []string
	for _, by := range slices.Sorted(maps.Keys(q.Bounds)) {
		switch limit := thousands(q.Bounds[by]); by {
		case "seconds":
			limits = append(limits, limit+" s")
		default:
			limits = append(limits, limit+" "+clean(by))
		}
	}
	says := "once"
	if len(limits) > 0 {
		says = "at most " + strings.Join(limits, ", ") + ", once"
	}
	if q.RunWithinSeconds > 0 {
		says += ", within " + lasting(time.Duration(q.RunWithinSeconds)*time.Second) + " of approval"
	}
	return says
}

// lasting is a length of time in its largest unit: "40 s", "12 min", "3 h", "9 days".
func lasting(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 90*time.Second:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 90*time.Minute:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 36*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// An Outcome is what happened when it ran.
type Outcome struct {
	Execution countersign.ExecutionState `json:"execution"`
	// Says is "succeeded 2026-11-19 16:18:45 UTC after 840 ms; result 9,632 bytes".
	Says Text `json:"says"`
	// Result is the digest of the result, zero if there is none.
	Result countersign.Digest `json:"result,omitzero"`
}

// repeats says what became of the last identical ask, in the time before this
// one.
func repeats(r countersign.Request) Text {
	if r.Repeats == nil {
		return nil
	}
	before := lasting(r.CreatedAt.Sub(r.Repeats.At)) + " earlier"
	at := quiet(" (" + clean(string(r.Repeats.Request)) + ")")
	switch r.Repeats.Execution {
	case countersign.ExecutionSucceeded, countersign.ExecutionFailed:
		return join(say("The same command ran "+before+": "+string(r.Repeats.Execution)), at)
	case countersign.ExecutionUnknown:
		return join(say("The same command was released "+before+", and nobody knows whether it ran"), at)
	case countersign.ExecutionRunning:
		return join(say("The same command was released "+before+" and was still running"), at)
	}
	return join(say("The same command was asked "+before+": "+clean(string(r.Repeats.Decision))+", did not run"), at)
}

func outcome(r countersign.Request, v veil) *Outcome {
	if r.Outcome == nil {
		return nil
	}
	o := Outcome{Execution: r.Outcome.Execution, Result: r.Outcome.ResultDigest}
	says := clean(string(o.Execution))
	if end := r.Outcome.FinishedAt; !end.IsZero() {
		says += " " + stamp(end)
		if start := r.Outcome.StartedAt; !start.IsZero() {
			says += " after " + elapsed(end.Sub(start))
		}
	}
	if r.Outcome.Bytes != "" {
		says += "; result " + thousands(r.Outcome.Bytes) + " bytes"
	}
	o.Says = say(says)
	if r.Outcome.Detail != "" {
		o.Says = join(o.Says, say("; "), v.inline(r.Outcome.Detail))
	}
	if r.ResolvedBy != nil {
		o.Says = join(o.Says, say("; recorded by "), name(nameOf(*r.ResolvedBy)), say(": "), v.inline(r.ResolvedWhy))
	}
	return &o
}

// elapsed is how long it ran: "212 ms", "8.4 s", "12 min".
func elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(max(d, 0).Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return lasting(d)
}
