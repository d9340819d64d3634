package channeltest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/desk"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

// ChatName is the name of the chat under test, as it stands in decisions.
const ChatName = "testchat"

const policyText = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: test, owner: security}
defaults: {effect: hold, reviewers: [reviewers], expires: 30m}
freeze:
- id: quarter-end
  why: The books close.
  from: 2026-11-22T00:00:00Z
  to: 2026-11-24T06:00:00Z
  match: {verbs: [shell.read]}
rules:
- id: frozen
  why: A second pair of eyes, once the books are closed.
  match: {verbs: [shell.read]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 1, assurance: chat, expires: 30m, run_within: 10m, escalate: [{after: 10m, to: [security]}]}
- id: write
  why: A second pair of eyes.
  match: {verbs: [mcp.read]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 1, assurance: chat, expires: 30m, run_within: 10m}
- id: two
  why: A second and a third.
  match: {verbs: [sql.read]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 2, assurance: chat, expires: 30m, run_within: 10m}
- id: nagging
  why: Until somebody has looked.
  match: {verbs: [http.read]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 2, assurance: chat, expires: 30m, run_within: 10m, remind: {after: 5m, every: 5m}}
- id: strong
  why: Not by a click.
  match: {verbs: [k8s.read]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 1, assurance: session, expires: 30m, run_within: 10m}
`

// A House is a gate, a desk, a chat and who lives around them. Alice owns the
// agent that asks; Bob and Carol decide, and Erin is in the group security.
type House struct {
	Gate  *gate.Gate
	Store *memory.Store
	Desk  *desk.Desk
	Chat  Chat
	// Clock is moved by hand.
	Clock *Clock

	t     testing.TB
	trust ledger.Trust
	bot   countersign.Agent
	asked int
}

// A Clock stands until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move moves the clock.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// New returns a house with the chat. Cards go to the chat's place, and to each
// reviewer with a linked account.
func New(t testing.TB, c Chat) *House {
	t.Helper()
	const origin = "channeltest.example/log"
	private, public, err := ledger.NewKey(origin)
	check(t, err)
	signer, err := ledger.NewSigner(private)
	check(t, err)
	verifier, err := ledger.NewVerifier(public)
	check(t, err)
	h := &House{
		Chat: c, t: t, Clock: &Clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
		trust: ledger.Trust{Origin: origin, Keys: note.VerifierList(verifier)},
	}
	h.Store, err = memory.New(memory.Config{Origin: origin, Signer: signer, Now: h.Clock.Now})
	check(t, err)
	h.Open()
	h.moveIn()
	h.Clock.Move(time.Second)
	return h
}

// Open starts a gate and a desk over the store, as a process does.
func (h *House) Open() {
	h.t.Helper()
	h.openGate()
	h.Desk = h.NewDesk()
}

func (h *House) openGate() {
	h.t.Helper()
	var err error
	quiet := slog.New(slog.DiscardHandler)
	h.Gate, err = gate.New(context.Background(), h.Store, h.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": idle{}, "mcp/abroad": idle{}}, Now: h.Clock.Now, Log: quiet, Cards: true,
	})
	check(h.t, err)
}

// Replica is the desk of one more process over the same store, with a gate of its
// own.
func (h *House) Replica() *desk.Desk {
	h.t.Helper()
	other := *h
	other.openGate()
	return other.NewDesk()
}

// NewDesk is one more desk over the same gate.
func (h *House) NewDesk() *desk.Desk {
	core := desk.Core{
		Get: h.Gate.Get, Directory: h.Gate.Directory, Link: h.Gate.Link, Unlink: h.Gate.Unlink,
		Decide: func(ctx context.Context, id countersign.RequestID, d countersign.Decision) (countersign.Request, error) {
			return h.Gate.Decide(ctx, gate.Decision{Request: id, Decision: d})
		},
		Inbox: h.inbox,
		Sees: func(_ *countersign.Directory, p countersign.Person, r countersign.Request) bool {
			return quorum.MayDecide(h.directory(), r, p.ID) == nil
		},
	}
	chats := map[string]desk.Chat{ChatName: {
		Channel: h.Chat.Channel(), Setting: channel.Setting{Regions: []string{"eu-west-1"}, Console: Console},
		Routes: []desk.Route{{To: []channel.Address{h.Chat.Place(), desk.Reviewers}}},
	}}
	return desk.New(h.Store, h.Store.Ephemeral(), core, chats, desk.Config{Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler)})
}

// inbox are the pending requests that the person can decide.
func (h *House) inbox(ctx context.Context, p countersign.Person) ([]countersign.Request, error) {
	pending, _, err := h.Gate.Search(ctx, store.Query{Decision: countersign.DecisionPending})
	return slices.DeleteFunc(pending, func(r countersign.Request) bool {
		return quorum.MayDecide(h.directory(), r, p.ID) != nil
	}), err
}

func (h *House) directory() *countersign.Directory {
	d, err := h.Gate.Directory(context.Background())
	check(h.t, err)
	return d
}

// idle is the upstream of what nobody comes back to run.
type idle struct{}

// Run implements gate.Executor.
func (idle) Run(context.Context, ledger.Release, io.Writer) (countersign.Outcome, error) {
	return countersign.Outcome{Execution: countersign.ExecutionFailed}, errors.New("nothing runs here")
}

func (h *House) moveIn() {
	h.t.Helper()
	ctx, who := h.t.Context(), countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	for _, name := range []string{"alice", "bob", "carol", "erin"} {
		_, err := h.Gate.SetPerson(ctx, who, countersign.Person{ID: "per_" + name, Name: strings.ToUpper(name[:1]) + name[1:], Issuer: "local", Subject: name})
		check(h.t, err)
	}
	check(h.t, h.Gate.SetGroup(ctx, who, "reviewers", []string{"per_alice", "per_bob", "per_carol"}))
	check(h.t, h.Gate.SetGroup(ctx, who, "security", []string{"per_erin"}))
	h.bot = countersign.Agent{ID: "agt_bot", Name: "deploy-bot", Owner: "per_alice", CreatedBy: countersign.Operator()}
	check(h.t, h.Gate.SetAgent(ctx, who, h.bot))
	for name, region := range map[string]string{"mcp/files": "eu-west-1", "mcp/abroad": "ap-southeast-2"} {
		pins, claims, tools := map[string]countersign.Digest{}, map[string]countersign.ToolClaim{}, map[string]countersign.Tool{}
		for tool, verb := range map[string]string{"one": "mcp.read", "two": "sql.read", "strong": "k8s.read", "nag": "http.read", "frozen": "shell.read"} {
			pins[tool], tools[tool] = countersign.Digest{1}, countersign.Tool{Verbs: []string{verb}}
			claims[tool] = countersign.ToolClaim{Annotated: true, ReadOnly: true}
		}
		check(h.t, h.Gate.SetResource(ctx, who, countersign.Resource{
			Name: name, Environment: "dev", Regions: []string{region}, DataClasses: []string{"internal"}, Owners: []string{"reviewers"},
			Target: countersign.Digest{9}, Pins: pins, Claims: claims, Tools: tools,
		}))
	}
	check(h.t, h.Gate.SetPolicy(ctx, who, map[string]string{"policy.yaml": policyText}))
}

// Asked has the agent call a tool of mcp/files with an argument, and posts the
// cards: "one" needs one person, "two" needs two, "strong" a session, "nag" two
// who are asked again every five minutes, and "frozen" one once a freeze ends.
func (h *House) Asked(tool, argument string) countersign.Request {
	h.t.Helper()
	return h.AskedOn("mcp/files", tool, argument)
}

// AskedOn is Asked of another resource: mcp/abroad lies in another region.
func (h *House) AskedOn(resource, tool, argument string) countersign.Request {
	h.t.Helper()
	r := h.submit(resource, tool, argument)
	h.Work()
	return r
}

// AskedQuietly is Asked, and posts nothing.
func (h *House) AskedQuietly(tool, argument string) countersign.Request {
	h.t.Helper()
	return h.submit("mcp/files", tool, argument)
}

// submit asks, for the people behind it if there are any.
func (h *House) submit(resource, tool, argument string, behind ...string) countersign.Request {
	h.t.Helper()
	var chain []countersign.Principal
	for _, person := range behind {
		chain = append(chain, h.directory().People["per_"+person].Principal())
	}
	quoted, err := json.Marshal(argument)
	check(h.t, err)
	ended, cancel := context.WithCancel(context.Background())
	cancel() // the agent does not wait
	result, err := h.Gate.Submit(ended, gate.Ask{
		By: h.bot.Principal(), OnBehalfOf: chain, Reason: argument, Origin: countersign.Origin{Door: "mcp", Peer: "10.0.0.9:4000"},
		Command: countersign.MCPRequest{Resource: resource, Method: "tools/call", Params: []byte(`{"name":"` + tool + `","arguments":{"text":` + string(quoted) + `}}`)},
	}, io.Discard)
	check(h.t, err)
	p, ok := result.(gate.Pending)
	if !ok {
		h.t.Fatalf("%s came to %T, want it held", tool, result)
	}
	return p.Request
}

// next is another number each time.
func (h *House) next() int {
	h.asked++
	return h.asked
}

// Work has the desk do all that is due of cards and deliveries.
func (h *House) Work() {
	h.t.Helper()
	for {
		in, err := h.Desk.WorkInbox(h.t.Context())
		check(h.t, err)
		out, err := h.Desk.WorkCards(h.t.Context())
		check(h.t, err)
		if in+out == 0 {
			return
		}
	}
}

// Deliver hands the desk what the chat delivered, and works on it.
func (h *House) Deliver(d channel.Delivery) {
	h.t.Helper()
	check(h.t, h.Desk.At(ChatName).Receive(h.t.Context(), d))
	h.Work()
}

// Linked is a new account of the person, linked before what is asked from now on.
func (h *House) Linked(person string) channel.Account {
	h.t.Helper()
	return h.LinkedAs(person, person)
}

// LinkedAs is Linked with a name in the chat.
func (h *House) LinkedAs(name, person string) channel.Account {
	h.t.Helper()
	who := h.Chat.Join(name, Member)
	code, _, err := h.Desk.Code(h.t.Context(), ChatName, chat.Proof{Person: "per_" + person, Method: "link", AuthTime: h.Clock.Now()})
	check(h.t, err)
	a, err := h.Desk.At(ChatName).Link(h.t.Context(), who, code)
	check(h.t, err)
	if a.Code != "" {
		h.t.Fatalf("link %s: %s", person, a.Says)
	}
	h.Clock.Move(time.Millisecond)
	return who
}

// Press has the account press the button of the copy, as the copy is.
func (h *House) Press(by channel.Account, at channel.Copy, c countersign.Choice) {
	h.t.Helper()
	h.Deliver(h.Chat.Press(by, at, h.Chat.Token(at), string(c)))
}

// Fill has the account send the dialog that is open for it.
func (h *House) Fill(by channel.Account, c channel.Choice) {
	h.t.Helper()
	d, ok := h.Chat.Fill(by, c)
	if !ok {
		h.t.Fatalf("no dialog is open for %s", by.Name)
	}
	h.Deliver(d)
}

// Now is the request as it stands.
func (h *House) Now(id countersign.RequestID) countersign.Request {
	h.t.Helper()
	r, err := h.Gate.Get(h.t.Context(), id)
	check(h.t, err)
	return r
}

// Brief is the request as people are shown it now.
func (h *House) Brief(id countersign.RequestID) brief.Brief {
	h.t.Helper()
	d, err := h.Gate.Directory(h.t.Context())
	check(h.t, err)
	return brief.Build(h.Now(id), d)
}

// Copy is the newest copy in the chat.
func (h *House) Copy() channel.Copy {
	h.t.Helper()
	all := h.Chat.Copies()
	if len(all) == 0 {
		h.t.Fatal("no card was posted")
	}
	return all[len(all)-1]
}

// Recorded counts the request's events of the kind.
func (h *House) Recorded(id countersign.RequestID, kind countersign.EventKind) int {
	h.t.Helper()
	entries, err := h.Store.Events(h.t.Context(), id)
	check(h.t, err)
	n := 0
	for _, e := range entries {
		said, err := ledger.ParseLeaf(e.Leaf)
		check(h.t, err)
		if said.Event.Kind == kind {
			n++
		}
	}
	return n
}

// offers reports whether the button stands on the copy.
func (h *House) offers(at channel.Copy, c countersign.Choice) bool {
	return slices.Contains(h.Chat.Buttons(at), c)
}

// toldOf fails unless the account was last told something with the words in it.
func (h *House) toldOf(who channel.Account, words string) {
	h.t.Helper()
	told := h.Chat.Told(who)
	if len(told) == 0 || !strings.Contains(told[len(told)-1], words) {
		h.t.Errorf("%s was told %q, want something with %q", who.Name, told, words)
	}
}

// undecided fails unless nobody's choice was counted.
func (h *House) undecided(id countersign.RequestID, why string) {
	h.t.Helper()
	if r := h.Now(id); r.Decision != countersign.DecisionPending || len(r.Decisions) > 0 {
		h.t.Errorf("%s: it is %s with %d decisions, want it pending with none", why, r.Decision, len(r.Decisions))
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
