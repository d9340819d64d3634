package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

const timed = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: [oncall], expires: 30m}
schedules:
  office: {zone: Europe/Berlin, hours: {mon-fri: "09:00-12:00, 13:00-17:30"}}
  weekend: {zone: America/New_York, hours: {sat-sun: "00:00-24:00"}}
freeze:
- {id: year-end, why: The books close., from: 2026-12-20T00:00:00+01:00, to: 2027-01-04T08:00:00+01:00, match: {environments: [prod]}}
- {id: network, why: The switches move., from: 2027-01-04T06:30:00Z, to: 2027-01-04T12:00:00Z}
- {id: never, why: Nobody drops tables then., from: 2026-12-24T00:00:00Z, to: 2026-12-27T00:00:00Z, match: {verbs: [sql.ddl]}, effect: deny}
rules:
- {id: read, why: Reads run., match: {verbs: [sql.read]}, effect: allow}
- {id: write, why: Writes are seen., match: {verbs: [sql.write, sql.ddl]}, effect: hold, require: {reviewers: [dba], hours: office}}
- {id: kube, why: Two steps., match: {verbs: [k8s.write]}, effect: hold, require: {reviewers: [dba], expires: 2h, escalate: [{after: 1h, to: [owners]}, {after: 15m, to: [dba-lead, oncall]}], remind: {after: 10m, every: 5m}}}
- {id: kube2, why: And again., match: {verbs: [k8s.write]}, effect: hold, require: {reviewers: [dba], expires: 3h, escalate: {after: 15m, to: [oncall, dba-lead]}, remind: {every: 20m}}}
`

func timedPolicy(t *testing.T) *Policy {
	t.Helper()
	p, err := Load(map[string][]byte{"p.yaml": []byte(timed)}, testCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(text, verb string) Input {
	return with(func(in *Input) {
		var err error
		if in.Now, err = time.Parse(time.RFC3339, text); err != nil {
			panic(err)
		}
		in.Facts.Verbs = []string{verb}
	})
}

func TestTheLadderIsUnitedAndClimbedFromTheFirstStep(t *testing.T) {
	in := at("2026-11-23T09:00:00Z", "k8s.write")
	r := decide(t, timedPolicy(t), in).Requirement
	var got []string
	for _, rung := range r.Ladder {
		got = append(got, fmt.Sprintf("%s %s", rung.At.Sub(in.Now), strings.Join(rung.To, "|")))
	}
	if want := []string{"15m0s dba-lead|oncall", "1h0m0s platform"}; !slices.Equal(got, want) {
		t.Errorf("got the ladder %v, want %v", got, want)
	}
	if r.Remind == nil || !r.Remind.At.Equal(in.Now.Add(10*time.Minute)) || r.Remind.EverySeconds != 300 {
		t.Errorf("got reminder %+v, want after 10 minutes and every 5", r.Remind)
	}
	if len(r.Blocked) > 0 || len(r.Closed) > 0 || !r.NotBefore.IsZero() {
		t.Errorf("got blocked %v, closed %v until %s; want that it can be approved", r.Blocked, r.Closed, r.NotBefore)
	}
}

func TestFreezesAndClosedHoursSayUntilWhen(t *testing.T) {
	for _, c := range []struct{ at, verb, until, why string }{
		{"2026-11-23T08:00:00Z", "sql.write", "", ""}, // Monday, nine in Berlin
		{"2026-11-23T07:59:59Z", "sql.write", "2026-11-23T08:00:00Z", "the schedule office is closed until 2026-11-23 08:00 UTC, Mon 09:00 in Europe/Berlin"},
		{"2026-11-23T11:00:00Z", "sql.write", "2026-11-23T12:00:00Z", "the schedule office is closed until 2026-11-23 12:00 UTC, Mon 13:00 in Europe/Berlin"},
		{"2026-11-27T16:30:00Z", "sql.write", "2026-11-30T08:00:00Z", "the schedule office is closed until 2026-11-30 08:00 UTC, Mon 09:00 in Europe/Berlin"},
		{"2026-07-06T06:59:00Z", "sql.write", "2026-07-06T07:00:00Z", "the schedule office is closed until 2026-07-06 07:00 UTC, Mon 09:00 in Europe/Berlin"}, // summer time
		{"2026-12-19T22:59:59Z", "sql.read", "", ""},
		{"2026-12-19T23:00:00Z", "sql.read", "2027-01-04T12:00:00Z", "year-end until 2027-01-04 07:00 UTC: The books close.; network until 2027-01-04 12:00 UTC: The switches move."},
		{"2027-01-04T12:00:00Z", "sql.read", "", ""},
	} {
		in := at(c.at, c.verb)
		v := decide(t, timedPolicy(t), in)
		until, why := "", ""
		expires := in.Now.Add(30 * time.Minute)
		if r := v.Requirement; r != nil && !r.NotBefore.IsZero() {
			until, why = r.NotBefore.Format(time.RFC3339), strings.Join(r.Closed, "; ")
			expires = r.NotBefore.Add(30 * time.Minute)
		}
		if until != c.until || why != c.why {
			t.Errorf("%s at %s: got until %q because %q, want %q because %q", c.verb, c.at, until, why, c.until, c.why)
		}
		if c.until != "" && (v.Effect != countersign.Hold || !v.Requirement.ExpiresAt.Equal(expires)) {
			t.Errorf("%s at %s: got %s until %s; want it held, and the time to decide to begin then", c.verb, c.at, v.Effect, v.Requirement.ExpiresAt)
		}
	}
}

func TestAFreezeDeniesWhereItSaysSoAndNeverFreezesThePolicy(t *testing.T) {
	if v := decide(t, timedPolicy(t), at("2026-12-25T09:00:00Z", "sql.ddl")); v.Effect != countersign.Deny || v.Leading()[0].ID != "never" {
		t.Errorf("got %s by %v, want it denied by never", v.Effect, v.Leading())
	}
	in := at("2027-01-04T11:00:00Z", "control.policy")
	in.Resource = countersign.BuiltIn()
	if v := decide(t, timedPolicy(t), in); len(v.Requirement.Closed) > 0 || len(v.Requirement.Blocked) > 0 {
		t.Errorf("got closed %v, blocked %v; want that the policy can be changed in a freeze", v.Requirement.Closed, v.Requirement.Blocked)
	}
}

func TestAFreezeIsStricterThanWhatWasApprovedAndClosedHoursAreNot(t *testing.T) {
	p := timedPolicy(t)
	open := decide(t, p, at("2026-12-18T10:00:00Z", "sql.write"))
	if closed := decide(t, p, at("2026-12-18T18:00:00Z", "sql.write")); Stricter(open, closed) {
		t.Error("what was approved in the hours is held again after them")
	}
	if frozen := decide(t, p, at("2026-12-21T10:00:00Z", "sql.write")); !Stricter(open, frozen) {
		t.Error("what was approved before a freeze runs in it")
	}
}

func TestEverythingOfAStoppedRequesterIsHeld(t *testing.T) {
	in := at("2026-11-23T09:00:00Z", "sql.read")
	if v := decide(t, timedPolicy(t), in); v.Effect != countersign.Allow {
		t.Fatalf("got %s, want it allowed", v.Effect)
	}
	in.Stopped = "it runs wild"
	v := decide(t, timedPolicy(t), in)
	if v.Effect != countersign.Hold || v.Leading()[0].ID != countersign.HoldEverything || v.Leading()[0].Why != "it runs wild" {
		t.Errorf("got %s by %+v, want it held by %s", v.Effect, v.Leading(), countersign.HoldEverything)
	}
	if s := v.Requirement.Stages; len(s) != 1 || s[0].Reviewers[0] != "oncall" {
		t.Errorf("got stages %+v, want the reviewers of the defaults", s)
	}
}

func TestWhatIsWrongWithTimesIsSaid(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"schedules: {a: {zone: Europe/Berln, hours: {mon: '09:00-10:00'}}}", `want a time zone of the IANA database, such as Europe/Berlin, got "Europe/Berln"`},
		{"schedules: {a: {zone: UTC}}", "a schedule needs a zone, and hours by day"},
		{"schedules: {a: {zone: UTC, hours: {mon: '17:00-09:00'}}}", "want hours such as 09:00-17:30"},
		{"schedules: {a: {zone: UTC, hours: {moon: '09:00-10:00'}}}", `want a day or days such as mon, sat-sun or mon-fri, got "moon"`},
		{"freeze: [{id: a, from: 2026-01-02T00:00:00Z, to: 2026-01-01T00:00:00Z}]", "a freeze needs from and, later, to"},
		{"freeze: [{id: a, from: tomorrow, to: 2026-01-01T00:00:00Z}]", "want a time with its offset"},
		{"freeze: [{id: a, from: 2026-01-01T00:00:00Z, to: 2026-01-02T00:00:00Z, effect: allow}]", "a freeze holds or denies"},
		{"rules: [{id: a, effect: hold, require: {hours: offce}}]\nschedules: {office: {zone: UTC, hours: {mon: '09:00-10:00'}}}", `unknown schedule "offce"; did you mean "office"?`},
		{"rules: [{id: a, effect: hold, require: {remind: {every: 5s}}}]", "remind needs after or every"},
		{"rules: [{id: a, effect: hold, require: {escalate: []}}]", "want from 1 to 8 steps of escalation, got 0"},
	} {
		_, err := Load(map[string][]byte{"p.yaml": []byte("apiVersion: countersign/v1\nkind: PolicySet\n" + c.text)}, testCatalogue())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}
