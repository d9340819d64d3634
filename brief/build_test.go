package brief_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/brief/terminal"
	"github.com/countersignhq/countersign/gate/quorum"
)

func TestTheSentenceSaysWhatIsKnownAndNoMore(t *testing.T) {
	state := func(d countersign.DecisionState, e countersign.ExecutionState) func(*countersign.Request) {
		return func(r *countersign.Request) { r.State = countersign.State{Decision: d, Execution: e} }
	}
	const refunds = "with create_refund (charge ch_3QkV8tB2eZ, amount 184.50, currency EUR) in mcp/payments, prod"
	for _, c := range []struct {
		change func(*countersign.Request)
		want   string
	}{
		{state("pending", "none"), "support-bot, for Dana Whitfield, would write " + refunds + "."},
		{state("approved", "none"), "support-bot, for Dana Whitfield, would write " + refunds + "."},
		{state("approved", "running"), "support-bot, for Dana Whitfield, is writing " + refunds + "."},
		{state("approved", "succeeded"), "support-bot, for Dana Whitfield, wrote " + refunds + "."},
		{state("approved", "failed"), "support-bot, for Dana Whitfield, tried to write " + refunds + "; it failed."},
		{state("allowed", "unknown"), "support-bot, for Dana Whitfield, may have written " + refunds + "; nobody knows whether it did."},
		{state("rejected", "none"), "support-bot, for Dana Whitfield: write " + refunds + "; it did not run."},
		{func(r *countersign.Request) { r.OnBehalfOf = nil }, "support-bot would write " + refunds + "."},
		{func(r *countersign.Request) { r.Resource.Environment = "" }, "support-bot, for Dana Whitfield, would write " + strings.TrimSuffix(refunds, ", prod") + "."},
		{func(r *countersign.Request) { r.Facts.Verbs = []string{"mcp.read", "mcp.write"} }, "support-bot, for Dana Whitfield, would read and write " + refunds + "."},
		{func(r *countersign.Request) { r.Facts.Certainty = countersign.Possible },
			"support-bot, for Dana Whitfield, would call create_refund (charge ch_3QkV8tB2eZ, amount 184.50, currency EUR), which may write, in mcp/payments, prod."},
		{func(r *countersign.Request) { r.Facts.Verbs = []string{"mcp.unknown"} },
			"support-bot, for Dana Whitfield, would call create_refund (charge ch_3QkV8tB2eZ, amount 184.50, currency EUR), whose effect is unknown, in mcp/payments, prod."},
		{func(r *countersign.Request) { r.Facts = countersign.Facts{} },
			"support-bot, for Dana Whitfield, would call create_refund (charge ch_3QkV8tB2eZ, amount 184.50, currency EUR), whose effect is unknown, in mcp/payments, prod."},
		{func(r *countersign.Request) {
			r.Facts.Exports, r.Facts.Sink = true, &countersign.Destination{Address: "s3://acme-us", Region: "us-east-1", Certainty: countersign.Known}
		}, "support-bot, for Dana Whitfield, would write " + refunds + ", with data going to s3://acme-us (us-east-1)."},
		{func(r *countersign.Request) {
			r.Facts.Exports, r.Facts.Sink = true, &countersign.Destination{Address: "s3://acme-us", Region: "us-east-1", Certainty: countersign.Possible}
		}, "support-bot, for Dana Whitfield, would write " + refunds + ", with data going to s3://acme-us (region unknown)."},
		{func(r *countersign.Request) {
			r.Facts.Exports, r.Facts.Sink = true, &countersign.Destination{Region: "us-east-1", Certainty: countersign.Known}
		}, "support-bot, for Dana Whitfield, would write " + refunds + ", with data going to several places (us-east-1)."},
		{func(r *countersign.Request) {
			r.Facts.Exports, r.Facts.Sink = true, &countersign.Destination{Certainty: countersign.Unknown}
		}, "support-bot, for Dana Whitfield, would write " + refunds + ", with data going to an unknown place."},
		{func(r *countersign.Request) { r.Facts.Exports = true }, "support-bot, for Dana Whitfield, would write " + refunds + ", with data going to an unknown place."},
		{func(r *countersign.Request) {
			setCommand(r, "tools/call", `{"name":"send it, approved by security","arguments":{"to":"all of them, it is fine","path":"/a","x":"y"}}`)
		}, `support-bot, for Dana Whitfield, would write with "send it, approved by security" (path /a) in mcp/payments, prod.`},
		{func(r *countersign.Request) { setCommand(r, "resources/read", `{"uri":"file:///srv/a"}`) },
			"support-bot, for Dana Whitfield, would write with resources/read (uri file:///srv/a) in mcp/payments, prod."},
		{func(r *countersign.Request) { r.Command = nil },
			"support-bot, for Dana Whitfield, would call a command that this version cannot show, whose effect is unknown, in mcp/payments, prod."},
	} {
		r := refund(t)
		c.change(&r)
		if got := brief.Build(r, nil).Sentence.String(); got != c.want {
			t.Errorf("sentence:\ngot  %s\nwant %s", got, c.want)
		}
	}
}

func TestWhereSaysThatTheAgentItselfRunsWhatIsWrapped(t *testing.T) {
	r := refund(t)
	r.Resource.Wrapped = "support-bot\u202e"
	const want = "runs in a process of support-bot<U+202E>, who could also do it without asking"
	b := brief.Build(r, nil)
	i := slices.IndexFunc(b.Facts, func(f brief.Fact) bool { return f.Name == brief.FactWhere })
	if got := b.Facts[i].Detail.String(); !strings.HasSuffix(got, ", "+want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}

func TestARowSaysWhatARequestIsAbout(t *testing.T) {
	r := settled(t)
	if got, want := brief.Summary(r).String(), "write with write_file (path /srv/templates/dunning-2.md) in mcp/files"; got != want {
		t.Errorf("summary: got %q, want %q", got, want)
	}
	r = refund(t)
	for params, want := range map[string]string{
		`{"name":"get","arguments":{"a":"` + "\u202e" + `b"}}`: `get {"a":"<U+202E>b"}`,
		`{"name":"get"}`: `get`,
		`{"name":"get","arguments":{},"_meta":{"a":1}}`: `tools/call get {"name":"get","arguments":{},"_meta":{"a":1}}`,
		`{"arguments":{}}`: `tools/call {"arguments":{}}`,
		`{"name":"get","arguments":"` + long(3000) + `"}`: `get "` + long(1999) + `... (3,002 characters)`,
	} {
		setCommand(&r, "tools/call", params)
		if got := brief.CommandLine(r).String(); got != want {
			t.Errorf("row of %s: got %q, want %q", params, got, want)
		}
	}
}

func TestNobodyApprovesWhatIsNotShownWhole(t *testing.T) {
	call := func(value string) string { return `{"name":"write_file","arguments":{"path":"` + value + `"}}` }
	for what, c := range map[string]struct {
		change     func(*countersign.Request)
		approvable bool
		end        string
	}{
		"whole":     {func(*countersign.Request) {}, true, "End of command. 191 bytes, all shown, no hidden characters."},
		"no params": {func(r *countersign.Request) { setCommand(r, "resources/list", ""); named(t, r) }, true, "End of command. 0 bytes, all shown, no hidden characters."},
		"one hidden character": {func(r *countersign.Request) { setCommand(r, "tools/call", call("\u200b")); named(t, r) }, true,
			"End of command. 48 bytes, all shown, 1 hidden character."},
		"blanks between arguments": {func(r *countersign.Request) { setCommand(r, "tools/call", call("a")+"\r"+spaces(40)); named(t, r) }, true,
			"End of command. 87 bytes, all shown, 41 hidden characters."},
		"the largest": {func(r *countersign.Request) {
			setCommand(r, "tools/call", call(long(brief.MostShown-len(call("")))))
			named(t, r)
		}, true, "End of command. 262,144 bytes, all shown, no hidden characters."},
		"too large": {func(r *countersign.Request) {
			setCommand(r, "tools/call", call(long(brief.MostShown-len(call(""))+1)))
			named(t, r)
		}, false, "End of command. 262,145 bytes, 3,072 bytes of them shown."},
		"two readings":    {func(r *countersign.Request) { setCommand(r, "tools/call", `{"name":"a","Name":"b"}`) }, false, "End of command. 23 bytes, 23 bytes of them shown."},
		"other digest":    {func(r *countersign.Request) { r.Digest[31]++ }, false, "End of command. 191 bytes, all shown, no hidden characters."},
		"blocked":         {func(r *countersign.Request) { r.Verdict.Requirement.Blocked = []string{"no bound"} }, false, ""},
		"approved before": {func(r *countersign.Request) { r.Decision = countersign.DecisionApproved }, false, ""},
		"denied":          {func(r *countersign.Request) { r.Verdict = countersign.Verdict{Effect: countersign.Deny} }, false, ""},
		"no stage":        {func(r *countersign.Request) { r.Verdict.Requirement.Stages = nil }, false, ""},
		"no command":      {func(r *countersign.Request) { r.Command = nil }, false, ""},
	} {
		r := refund(t)
		c.change(&r)
		b := brief.Build(r, directory())
		if b.Approvable != c.approvable {
			t.Errorf("%s: got approvable %v, want %v; obstacles %v", what, b.Approvable, c.approvable, b.Obstacles)
		}
		if got := b.Command.End.Sentence(); c.end != "" && got != c.end {
			t.Errorf("%s: got %q, want %q", what, got, c.end)
		}
	}
}

func TestACommandTooLongToLayOutIsShownAsItIsSent(t *testing.T) {
	deep := `{"name":"get","arguments":{"` + long(60_000) + `":{` + strings.Repeat(`"k":1,`, 0)
	for i := range 5000 {
		if i > 0 {
			deep += ","
		}
		deep += `"k` + strings.Repeat("0", i%7) + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + `":1`
		if len(deep) > 200_000 {
			break
		}
	}
	deep += `}}}`
	for what, params := range map[string]string{
		"a long path, repeated": deep,
		"many lines":            `{"name":"get","arguments":{"a":"` + strings.Repeat(`x\n`, 60_000) + `"}}`,
		"many values":           `{"name":"get","arguments":{"a":[` + strings.Repeat("1,", 60_000) + `1]}}`,
		"all of it hidden":      `{"name":"get","arguments":{"a":"` + strings.Repeat("\x7fa", 80_000) + `"}}`,
	} {
		r := request(t, "tools/call", params)
		b := brief.Build(r, nil)
		if got := raw(b.Command.AsSent); got != params {
			t.Errorf("%s: as sent got %d bytes, want the %d of the params", what, len(got), len(params))
		}
		if !b.Command.End.Shown || b.Approvable != !b.Digest().IsZero() {
			t.Errorf("%s: got shown %v, approvable %v, view digest %v", what, b.Command.End.Shown, b.Approvable, b.Digest())
		}
		if n := len(b.Command.Lines); n > 20_000 {
			t.Errorf("%s: got %d lines, want at most 20,000", what, n)
		}
	}
}

func TestAFileOfCRLFIsSaidToBeOneOnce(t *testing.T) {
	for text, want := range map[string]string{
		"one\r\ntwo\r\nthree": `3 lines, 15 bytes, no newline at the end, newlines are CR LF|one|two|three|no hidden characters`,
		"one\r\ntwo\nthree\n": `3 lines, 15 bytes|one<U+000D>|two|three|1 hidden character`,
		"one\r\r\ntwo\r\n":    `2 lines, 11 bytes|one<U+000D U+000D>|two<U+000D>|3 hidden characters`,
	} {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		c := brief.Build(request(t, "tools/call", `{"name":"write_file","arguments":{"text":`+string(quoted)+`}}`), directory()).Command
		var got []string
		for _, line := range c.Lines {
			got = append(got, line.Value.String())
		}
		got = append(got, c.End.Says[len(c.End.Says)-1])
		if says := strings.Join(got, "|"); says != want {
			t.Errorf("%q is laid out as %q, want %q", text, says, want)
		}
	}
}

func TestNobodySignsTwoLines(t *testing.T) {
	approve := func(ids ...string) (list []countersign.Decision) {
		for _, id := range ids {
			list = append(list, countersign.Decision{By: countersign.Principal{Kind: countersign.KindPerson, ID: id, Name: id},
				Choice: countersign.Approve, Assurance: countersign.Passkey, At: asked})
		}
		return list
	}
	for what, c := range map[string]struct {
		decisions []countersign.Decision
		want      string
	}{
		"nobody yet":                   {nil, "0 of 3: platform; security"},
		"one who fits in both":         {approve("per_priya"), "1 of 3: platform per_priya; security"},
		"who fits in both moves on":    {approve("per_priya", "per_bob", "per_mei"), "3 of 3: platform per_mei per_bob; security per_priya"},
		"the same person again":        {approve("per_bob", "per_bob"), "1 of 3: platform per_bob; security"},
		"one more than are needed":     {approve("per_bob", "per_mei", "per_dana"), "2 of 3: platform per_bob per_mei; security"},
		"a vote that no longer counts": {func() []countersign.Decision { d := approve("per_bob"); d[0].Void = "left"; return d }(), "0 of 3: platform; security"},
	} {
		r := refund(t)
		r.Verdict.Requirement.Stages = []countersign.Stage{
			{Reviewers: []string{"platform"}, Quorum: 2, Assurance: countersign.Session},
			{Reviewers: []string{"security"}, Quorum: 1, Assurance: countersign.Passkey},
		}
		r.Decisions = c.decisions
		d := brief.Build(r, directory()).Deciders
		var stages []string
		for _, s := range d.Stages {
			line := strings.Join(s.Groups, " ")
			for _, sig := range s.Signed {
				line += " " + sig.Name.String()
			}
			stages = append(stages, line)
		}
		got := strings.TrimSuffix(string(rune('0'+d.Signed))+" of "+string(rune('0'+d.Needed))+": "+strings.Join(stages, "; "), " ")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
		if len(d.Choices) != len(c.decisions) {
			t.Errorf("%s: got %d choices, want %d", what, len(d.Choices), len(c.decisions))
		}
	}
}

func TestTheBriefCountsAsTheGateDoes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	people, groups := []string{"per_alice", "per_bob", "per_dana", "per_mei", "per_priya"}, []string{"payments", "platform", "security"}
	for range 500 {
		r := refund(t)
		r.Requester, r.OnBehalfOf = countersign.Principal{Kind: countersign.KindAgent, ID: "agt_x", Name: "x"}, nil
		r.Verdict.Requirement.Stages = nil
		for range 1 + random.IntN(3) {
			r.Verdict.Requirement.Stages = append(r.Verdict.Requirement.Stages, countersign.Stage{
				Reviewers: []string{groups[random.IntN(3)], groups[random.IntN(3)]}, Quorum: 1 + random.IntN(2), Assurance: countersign.Session})
		}
		dir := directory()
		for _, id := range people {
			dir.Credentials[id] = countersign.Credential{ID: id, Person: id, VouchedBy: []string{"operator"}}
			if random.IntN(3) > 0 {
				with := []countersign.Assurance{countersign.Chat, countersign.Session, countersign.Passkey}[random.IntN(3)]
				r.Decisions = append(r.Decisions, countersign.Decision{By: countersign.Principal{ID: id}, Choice: countersign.Approve, Assurance: with, Assertion: &countersign.Assertion{Credential: id}})
			}
		}
		voters, _ := quorum.Count(dir, r)
		b := brief.Build(r, dir).Deciders
		if got, want := b.Signed == b.Needed, quorum.Met(r.Verdict.Requirement.Stages, voters); got != want {
			t.Fatalf("seed %d: brief says %d of %d, the gate says enough %v; stages %v, decisions %v",
				seed, b.Signed, b.Needed, want, r.Verdict.Requirement.Stages, r.Decisions)
		}
	}
}

func TestTheBriefNamesEverybodyWhomTheGateBars(t *testing.T) {
	r, d := refund(t), directory()
	r.Requester.Owner = "platform"
	r.OnBehalfOf = append(r.OnBehalfOf, countersign.Principal{Kind: countersign.KindPerson, ID: "from-elsewhere", Name: "Bob", Issuer: "local", Subject: "per_bob"})
	var named strings.Builder
	for _, b := range brief.Build(r, d).Deciders.Barred {
		named.WriteString(b.Who.String() + "\n")
	}
	for _, id := range quorum.Barred(d, r.Requester, r.OnBehalfOf) {
		if p, ok := d.People[id]; ok && !strings.Contains(named.String(), p.Name) {
			t.Errorf("the gate bars %s, and the brief names only %q", p.Name, named.String())
		}
	}
}

func TestAStageAsksForNoLessThanTheSeverityDoes(t *testing.T) {
	for severity, want := range map[countersign.Severity]string{
		countersign.Low:      "anyone of payments, in chat or better",
		countersign.Medium:   "anyone of payments, with a session",
		countersign.Critical: "anyone of payments, with a passkey",
	} {
		r := refund(t)
		r.Verdict.Requirement.Stages[0].Assurance = countersign.Chat
		r.Facts.Indicators = []countersign.Indicator{{ID: "mcp.tool-changed", Severity: severity}}
		if got := brief.Build(r, nil).Deciders.Stages[0].Says; got != want {
			t.Errorf("stage at %v: got %q, want %q", severity, got, want)
		}
	}
}

func TestWhoCannotDecideIsNamedWithTheReason(t *testing.T) {
	r := refund(t)
	d := directory()
	agent := d.Agents["agt_support"]
	agent.Tokens = []countersign.Token{
		{IssuedBy: countersign.Principal{Kind: countersign.KindPerson, ID: "per_mei", Name: "Mei Tanaka"}},
		{IssuedBy: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob", Name: "Bob Okafor"}, Revoked: true},
		{IssuedBy: countersign.Operator()},
	}
	d.Agents["agt_support"] = agent
	d.Agents["agt_build"] = countersign.Agent{ID: "agt_build", Name: "build-bot", Owner: "support"}
	r.OnBehalfOf = append(r.OnBehalfOf, countersign.Principal{Kind: countersign.KindAgent, ID: "agt_build", Name: "build-bot"})
	r.Barred = []string{"per_alice", "per_dana", "per_priya"}
	var got []string
	for _, b := range brief.Build(r, d).Deciders.Barred {
		got = append(got, b.Who.String()+": "+b.Why)
	}
	want := []string{
		"Alice Moreau: owns and made support-bot",
		"Mei Tanaka: issued a token of support-bot",
		"Dana Whitfield: support-bot asks on their behalf",
		"anyone of support (Alice Moreau and Dana Whitfield): owns build-bot",
		"Priya Raman: stood behind it when it was asked",
	}
	if !slices.Equal(got, want) {
		t.Errorf("barred:\ngot  %q\nwant %q", got, want)
	}

	got = nil
	for _, b := range brief.Build(refund(t), nil).Deciders.Barred {
		got = append(got, b.Who.String()+": "+b.Why)
	}
	if want := []string{"per_alice: owns support-bot", "Dana Whitfield: support-bot asks on their behalf"}; !slices.Equal(got, want) {
		t.Errorf("barred without a directory: got %q, want %q", got, want)
	}
}

func TestARepeatIsToldInTheTimeBeforeTheAsk(t *testing.T) {
	for want, repeat := range map[string]*countersign.Repeat{
		"": nil,
		"The same command ran 40 s earlier: succeeded (req_a)":                               {At: asked.Add(-40 * time.Second), Execution: "succeeded"},
		"The same command ran 12 min earlier: failed (req_a)":                                {At: asked.Add(-12 * time.Minute), Execution: "failed"},
		"The same command was released 5 h earlier, and nobody knows whether it ran (req_a)": {At: asked.Add(-5 * time.Hour), Execution: "unknown"},
		"The same command was asked 9 days earlier: rejected, did not run (req_a)":           {At: asked.Add(-9 * 24 * time.Hour), Decision: "rejected", Execution: "none"},
	} {
		r := refund(t)
		if r.Repeats = repeat; repeat != nil {
			repeat.Request = "req_a"
		}
		if got := brief.Build(r, nil).Repeats.String(); got != want {
			t.Errorf("repeats: got %q, want %q", got, want)
		}
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	b := brief.Build(hostile(t), nil)
	if b.Severity != countersign.Critical {
		t.Errorf("severity: got %v, want critical", b.Severity)
	}
	if !slices.IsSortedFunc(b.Indicators, func(x, y brief.Indicator) int { return int(y.Severity - x.Severity) }) {
		t.Errorf("indicators: got %v, want the worst first", b.Indicators)
	}
}

func TestTheTerminalTellsTheTimeThatIsLeft(t *testing.T) {
	b := brief.Build(refund(t), nil)
	for now, want := range map[time.Time]string{
		{}:                              "until 2026-11-19 14:30:18 UTC, then refused",
		asked:                           "30:00 left, then refused",
		asked.Add(29*time.Minute + 1e9): "0:59 left, then refused",
		asked.Add(time.Hour):            "0:00 left, then refused",
	} {
		first := terminal.Plain(terminal.Lines(b, terminal.Screen{Now: now})[:1])
		if got := strings.TrimSpace(first); !strings.HasSuffix(got, "  "+want) {
			t.Errorf("at %v: got %q, want it to end with %q", now, got, want)
		}
	}
}

func TestAnApprovalIsLostUntilSomebodyStandsInItsPlace(t *testing.T) {
	void := brief.Signature{Name: brief.Text{{Text: "Bob"}}, Choice: countersign.Approve, Void: brief.Text{{Text: "left"}}}
	counts := brief.Signature{Name: brief.Text{{Text: "Mei"}}, Choice: countersign.Approve}
	for what, c := range map[string]struct {
		of   brief.Deciders
		lost int
	}{
		"nobody":        {brief.Deciders{Needed: 1, Choices: []brief.Signature{void}}, 1},
		"somebody else": {brief.Deciders{Signed: 1, Needed: 1, Choices: []brief.Signature{void, counts}}, 0},
		"one of two":    {brief.Deciders{Signed: 1, Needed: 2, Choices: []brief.Signature{void, counts}}, 1},
	} {
		if got := c.of.Lost(); len(got) != c.lost {
			t.Errorf("%s: got %v lost, want %d", what, got, c.lost)
		}
	}
}
