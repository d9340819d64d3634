package brief_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/brief/terminal"
	"github.com/countersignhq/countersign/understand"
)

func TestTheWordListIsBIP39(t *testing.T) {
	list, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(list)
	if got, want := hex.EncodeToString(sum[:]), "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"; got != want {
		t.Errorf("word list: got SHA-256 %s, want %s", got, want)
	}
	words := strings.Fields(string(list))
	starts := map[string]bool{}
	for _, w := range words {
		starts[w[:min(4, len(w))]] = true
	}
	if len(words) != 2048 || len(starts) != 2048 || words[0] != "abandon" || words[2047] != "zoo" {
		t.Errorf("got %d words, %d that differ in four letters, from %q to %q", len(words), len(starts), words[0], words[2047])
	}
}

// The entropies are test vectors of BIP-39 (github.com/trezor/python-mnemonic):
// their checksum comes after 128 bits, so the first eight words are the same.
func TestADigestIsNamedByItsFirstEightWords(t *testing.T) {
	for entropy, want := range map[string]string{
		"00000000000000000000000000000000": "abandon abandon abandon abandon abandon abandon abandon abandon",
		"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f": "legal winner thank year wave sausage worth useful",
		"80808080808080808080808080808080": "letter advice cage absurd amount doctor acoustic avoid",
		"ffffffffffffffffffffffffffffffff": "zoo zoo zoo zoo zoo zoo zoo zoo",
		"9e885d952ad362caeb4efe34a8e91bd2": "ozone drill grab fiber curtain grace pudding thank",
	} {
		d, err := countersign.ParseDigest("sha256:" + entropy + entropy)
		if err != nil {
			t.Fatal(err)
		}
		words := brief.Words(d)
		if got := strings.Join(words[:], " "); got != want {
			t.Errorf("words of %s: got %q, want %q", entropy, got, want)
		}
	}
}

// asks changes one thing that a reviewer is shown.
var asks = map[string]func(*countersign.Request){
	"id":             func(r *countersign.Request) { r.ID = "req_other" },
	"requester":      func(r *countersign.Request) { r.Requester.Name = "other-bot" },
	"owner":          func(r *countersign.Request) { r.Requester.Owner = "support" },
	"on behalf of":   func(r *countersign.Request) { r.OnBehalfOf = nil },
	"resource":       func(r *countersign.Request) { r.Resource.Name = "mcp/other" },
	"environment":    func(r *countersign.Request) { r.Resource.Environment = "staging" },
	"regions":        func(r *countersign.Request) { r.Resource.Regions = []string{"us-east-1"} },
	"isolation":      func(r *countersign.Request) { r.Resource.UnsafeSameUser = true },
	"wrapped":        func(r *countersign.Request) { r.Resource.Wrapped = "support-bot" },
	"classes":        func(r *countersign.Request) { r.Facts.Classes = []string{"pii"} },
	"peer":           func(r *countersign.Request) { r.Origin.Peer = "10.0.0.9:1" },
	"client":         func(r *countersign.Request) { r.Origin.Client = "other" },
	"door":           func(r *countersign.Request) { r.Origin.Door = "api" },
	"server account": func(r *countersign.Request) { r.Origin.ServerAccount = true },
	"time of asking": func(r *countersign.Request) { r.CreatedAt = r.CreatedAt.Add(time.Second) },
	"digest":         func(r *countersign.Request) { r.Digest[0]++ },
	"method":         func(r *countersign.Request) { setCommand(r, "tools/other", refundParams) },
	"params": func(r *countersign.Request) {
		setCommand(r, "tools/call", strings.Replace(refundParams, "184.50", "184.51", 1))
	},
	"spelling": func(r *countersign.Request) {
		setCommand(r, "tools/call", strings.Replace(refundParams, `":"EUR`, `": "EUR`, 1))
	},
	"hidden": func(r *countersign.Request) {
		setCommand(r, "tools/call", strings.Replace(refundParams, "dup", "du\u200bp", 1))
	},
	"verbs":        func(r *countersign.Request) { r.Facts.Verbs = []string{"mcp.read"} },
	"certainty":    func(r *countersign.Request) { r.Facts.Certainty = countersign.Possible },
	"objects":      func(r *countersign.Request) { r.Facts.Objects = []countersign.Object{{Name: "x", Verb: "mcp.write"}} },
	"export":       func(r *countersign.Request) { r.Facts.Exports = true },
	"severity":     func(r *countersign.Request) { r.Facts.Indicators[0].Severity = countersign.High },
	"indicator":    func(r *countersign.Request) { r.Facts.Indicators = r.Facts.Indicators[1:] },
	"evidence":     func(r *countersign.Request) { r.Facts.Indicators[2].Evidence = "above the limit of 1" },
	"place":        func(r *countersign.Request) { r.Facts.Indicators[2].Where = "arguments.charge" },
	"rule":         func(r *countersign.Request) { r.Verdict.Rules[40].ID = "other-rule" },
	"why":          func(r *countersign.Request) { r.Verdict.Rules[40].Why = "other" },
	"rules":        func(r *countersign.Request) { r.Verdict.Rules = r.Verdict.Rules[1:] },
	"doubt":        func(r *countersign.Request) { r.Verdict.Rules[40].Value = countersign.RuleUnknown },
	"claim":        func(r *countersign.Request) { r.Reason = "other" },
	"bounds":       func(r *countersign.Request) { r.Verdict.Requirement.Bounds = map[string]string{"rows": "5"} },
	"run within":   func(r *countersign.Request) { r.Verdict.Requirement.RunWithinSeconds = 60 },
	"groups":       func(r *countersign.Request) { r.Verdict.Requirement.Stages[0].Reviewers = []string{"dba"} },
	"quorum":       func(r *countersign.Request) { r.Verdict.Requirement.Stages[0].Quorum = 2 },
	"assurance":    func(r *countersign.Request) { r.Verdict.Requirement.Stages[0].Assurance = countersign.Passkey },
	"reason":       func(r *countersign.Request) { r.Verdict.Requirement.Reason = true },
	"closed until": func(r *countersign.Request) { r.Verdict.Requirement.NotBefore = asked.Add(time.Hour) },
	"closed why": func(r *countersign.Request) {
		r.Verdict.Requirement.NotBefore, r.Verdict.Requirement.Closed = asked.Add(2*time.Hour), []string{"the books close"}
	},
	"blocked":         func(r *countersign.Request) { r.Verdict.Requirement.Blocked = []string{"no bound"} },
	"barred":          func(r *countersign.Request) { r.Barred = []string{"per_bob"} },
	"an added stage":  escalate,
	"held once more":  func(r *countersign.Request) { r.Because = "an approval is void" },
	"ran":             func(r *countersign.Request) { r.Execution = countersign.ExecutionSucceeded },
	"severity's mark": func(r *countersign.Request) { r.Facts.Indicators[2].Severity = countersign.Low },
}

func escalate(r *countersign.Request) {
	q := r.Verdict.Requirement
	q.Stages = append(q.Stages, countersign.Stage{Reviewers: []string{"security"}, Quorum: 1, Assurance: countersign.Session})
}

func setCommand(r *countersign.Request, method, params string) {
	r.Command = countersign.MCPRequest{Resource: r.Resource.Name, Method: method, Params: []byte(params)}
}

func TestTheViewDigestCoversWhatADecisionRestsOn(t *testing.T) {
	before := brief.Build(refund(t), directory()).Digest()
	for what, change := range asks {
		r := refund(t)
		change(&r)
		if got := brief.Build(r, directory()).Digest(); got == before || got.IsZero() {
			t.Errorf("%s changed: got view digest %v, want another than %v", what, got, before)
		}
	}
}

func TestTheViewDigestLeavesOutVotesTimeAndHistory(t *testing.T) {
	before := brief.Build(refund(t), directory()).Digest()
	bob := countersign.Decision{By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob", Name: "Bob Okafor"},
		Choice: countersign.Approve, Assurance: countersign.Session, Reason: "fine", At: asked}
	for what, change := range map[string]func(*countersign.Request){
		"votes": func(r *countersign.Request) { r.Decisions = []countersign.Decision{bob} },
		"refusals": func(r *countersign.Request) {
			r.Refusals = []countersign.Refused{{Decision: bob, Code: countersign.CodeSelfApproval}}
		},
		"approved": func(r *countersign.Request) {
			r.Decision, r.Decisions = countersign.DecisionApproved, []countersign.Decision{bob}
		},
		"countdown": func(r *countersign.Request) { r.Verdict.Requirement.ExpiresAt = asked.Add(time.Hour) },
		"the next step of an escalation": func(r *countersign.Request) {
			r.Verdict.Requirement.Ladder = []countersign.Rung{{At: asked.Add(time.Hour), To: []string{"dba"}}}
		},
		"history":  func(r *countersign.Request) { r.Repeats = nil },
		"versions": func(r *countersign.Request) { r.Version, r.UpdatedAt = 9, asked.Add(time.Hour) },
	} {
		r := refund(t)
		change(&r)
		if got := brief.Build(r, directory()).Digest(); got != before {
			t.Errorf("%s changed: got view digest %v, want still %v", what, got, before)
		}
	}
}

func TestEveryFieldOfABriefIsInTheViewDigestOrLeftOutOnPurpose(t *testing.T) {
	leftOut := []string{"State", "AskedAt", "Repeats", "ExpiresAt", "Outcome", "Approvable",
		"Deciders.Signed", "Deciders.Needed", "Deciders.Choices", "Deciders.Refused", "Deciders.Next", "Deciders.Now"}
	whole := brief.Build(refund(t), directory())
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[brief.Brief]()) {
		fields[f.Name] = f.Index
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[brief.Deciders]()) {
		fields["Deciders."+f.Name] = append(slices.Clone(fields["Deciders"]), f.Index...)
	}
	delete(fields, "Deciders")
	for name, index := range fields {
		b := whole
		change(t, reflect.ValueOf(&b).Elem().FieldByIndex(index))
		changed, want := b.Digest() != whole.Digest(), !slices.Contains(leftOut, name)
		if changed != want {
			t.Errorf("%s changed: got another view digest %v, want %v", name, changed, want)
		}
	}
}

// change gives a value that is another.
func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(at.Add(time.Minute)))
			return
		}
		change(t, v.Field(0))
	default:
		t.Fatalf("no way to change a %s", v.Type())
	}
}

func TestAChannelThatDropsAMandatoryFactIsCaught(t *testing.T) {
	r := hostile(t)
	r.Facts.Objects = []countersign.Object{{Name: "jobs", Verb: "mcp.write", Certainty: countersign.Possible}}
	r.Verdict.Rules = []countersign.RuleTrace{rule("prod-write", "p.yaml:1", "second pair")}
	r.Verdict.Requirement.Blocked = []string{"the bound on rows cannot be computed"}
	r.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, Name: "Dana Whitfield"}}
	b := brief.Build(r, directory())
	text := unwrap(terminal.Plain(terminal.Lines(b, terminal.Screen{})))
	if part, says, ok := b.Missing(text); !ok {
		t.Fatalf("the terminal does not show %q of %s", says, part)
	}
	for _, p := range b.Mandatory() {
		if strings.Join(p.Says, "") == "" {
			t.Errorf("%s: the sample says nothing of it", p.Name)
		}
		for _, says := range p.Says {
			without := strings.ReplaceAll(strings.Join(strings.Fields(text), ""), strings.Join(strings.Fields(says), ""), "")
			if p.Name == brief.PartRisk {
				without = strings.ReplaceAll(without, strings.ToUpper(says), "")
			}
			if _, _, ok := b.Missing(without); ok && says != "" {
				t.Errorf("%s: a channel that does not show %q was not caught", p.Name, says)
			}
		}
	}
}

func TestEveryIndicatorOfTheCatalogueHasItsWords(t *testing.T) {
	for _, i := range understand.Indicators() {
		r := refund(t)
		r.Facts.Indicators = []countersign.Indicator{{ID: i.ID, Severity: countersign.High, Where: "arguments.amount", Source: "bytes"}}
		b := brief.Build(r, nil)
		for _, line := range b.Command.Lines {
			for _, n := range line.Notes {
				if n.Says.String() == "found here" {
					t.Errorf("%s has no words in a brief; the catalogue says %q", i.ID, i.Says)
				}
			}
		}
	}
}
