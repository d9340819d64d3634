package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	layout "github.com/countersignhq/countersign/brief/terminal"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/countersignhq/countersign/store"
	"github.com/spf13/cobra"
)

func newDemo(t *terminal) *cobra.Command {
	var d demo
	var data, listenOn string
	cmd := &cobra.Command{
		Use: "demo", Short: "See it work, in one terminal",
		Long: `Runs a server, a small shop that speaks MCP, and an agent that asks it for four
things: a read that runs, a refund that is held, an export that is denied, and a
mass delete that needs two passkeys. You decide. Nothing leaves this machine.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.t = t
			return d.run(cmd.Context(), data, listenOn)
		},
	}
	cmd.Flags().StringVar(&data, "data", "demo-data", "the data folder")
	cmd.Flags().StringVar(&listenOn, "listen", "", "the console's address (default 127.0.0.1:8480, or the next free port)")
	cmd.Flags().BoolVar(&d.auto, "auto", false, "play the whole story and exit")
	cmd.Flags().BoolVar(&d.noBrowser, "no-browser", false, "do not open a browser")
	return cmd
}

// A demo is one run of it.
type demo struct {
	t               *terminal
	auto, noBrowser bool

	server  *server
	bot     countersign.Agent
	seen    map[countersign.RequestID]bool
	answers map[countersign.RequestID]chan answer
}

func (d *demo) run(ctx context.Context, data, listenOn string) error {
	cfg, err := demoConfig(data, listenOn)
	if err != nil {
		return err
	}
	if d.server, err = build(ctx, cfg, options{demo: true, profiles: []string{bob, priya}, listen: nextFree}); err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() { served <- d.server.serve(serving, func() { close(ready) }) }()
	<-ready
	err = d.play(ctx, data)
	stop()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return errors.Join(err, <-served, d.server.close(closing))
}

// play tells the story.
func (d *demo) play(ctx context.Context, data string) error {
	bot, secret, err := d.server.stage(ctx)
	if err != nil {
		return err
	}
	d.bot, d.seen, d.answers = bot, map[countersign.RequestID]bool{}, map[countersign.RequestID]chan answer{}
	earlier, _, err := d.server.gate.Search(ctx, store.Query{Requester: bot.ID, Limit: 500})
	if err != nil {
		return err
	}
	for _, r := range earlier {
		d.seen[r.ID] = true
	}
	if err := d.intro(ctx, data); err != nil {
		return err
	}
	// What is asked is new each time: the very same again would join what was asked before.
	run := countersign.NewID("ch")
	_, err = d.ask(ctx, secret, "list_plans", `{}`)
	if err != nil {
		return err
	}
	refund, err := d.ask(ctx, secret, "create_refund", `{"charge":"`+run+`","amount":"184.50","currency":"EUR","reason":"duplicate","notify_customer":true,"metadata":{"order":"20931","ticket":"SUP-7714"}}`)
	if err != nil {
		return err
	}
	if _, err := d.ask(ctx, secret, "export_customers", `{"destination":"s3://acme-us-analytics/customers.csv"}`); err != nil {
		return err
	}
	wipe, err := d.ask(ctx, secret, "delete_customers", `{"plan":"*","ticket":"`+run+`"}`)
	if err != nil {
		return err
	}
	if err := d.decide(ctx, data, refund); err != nil {
		return err
	}
	return d.end(ctx, wipe)
}

func (d *demo) intro(ctx context.Context, data string) error {
	link, err := d.server.link(ctx, bob)
	if err != nil {
		return err
	}
	d.t.print("\n  %s          nothing here leaves this machine\n", d.t.paint(bold, "// Countersign demo"))
	d.t.print("  Console  %s   (Bob's, works once)", link)
	d.t.print("  Doors    http://%s", d.server.doors.Addr())
	d.t.print("  Data     %s, kept when you quit\n", data)
	if d.t.get("SSH_CONNECTION") != "" {
		port := d.server.public.Port()
		d.t.print("  From your machine: ssh -L %s:localhost:%s HOST\n", port, port)
	}
	d.t.print("  The shop runs as you, without isolation, and every record says so.")
	d.t.print("  %s, an agent that %s owns, asks for four things.\n", d.t.paint(bold, "demo-bot"), d.t.paint(bold, "Alice"))
	if !d.auto && !d.noBrowser {
		openBrowser(d.t, link)
	}
	return nil
}

// ask has the agent call a tool, in the background as it may wait, and says what
// became of it.
func (d *demo) ask(ctx context.Context, secret, tool, arguments string) (countersign.Request, error) {
	agent := &mcpAgent{url: "http://" + d.server.doors.Addr().String() + "/mcp/northwind", token: secret}
	if err := agent.connect(ctx); err != nil {
		return countersign.Request{}, fmt.Errorf("the demo's agent: %w", err)
	}
	got := make(chan answer, 1)
	go func() {
		a, err := agent.call(ctx, tool, arguments)
		if err != nil {
			a = answer{Text: err.Error(), IsError: true}
		}
		got <- a
	}()
	r, err := d.server.newest(ctx, d.bot.ID, d.seen)
	if err != nil {
		return r, err
	}
	d.answers[r.ID] = got
	if r.Decision == countersign.DecisionAllowed {
		if r, err = d.server.settled(ctx, r.ID); err != nil {
			return r, err
		}
	}
	d.line(r)
	return r, nil
}

// line says in two lines what was asked and what the policy made of it.
func (d *demo) line(r countersign.Request) {
	s := r.Facts.Severity()
	what := brief.Summary(r).String()
	d.t.print("  %s  %s  %s", r.CreatedAt.Format("15:04:05"), d.t.paint(colourOf(s), fmt.Sprintf("%-11s", layout.Shape(s)+" "+s.String())), what)
	rule := "the default"
	if lead := r.Verdict.Leading(); len(lead) > 0 {
		rule = "rule " + lead[0].ID
	}
	switch r.Decision {
	case countersign.DecisionAllowed:
		took := r.Outcome.FinishedAt.Sub(r.Outcome.StartedAt)
		d.t.print("            allowed      %s; %s in %d ms\n", rule, r.Execution, took.Milliseconds())
	case countersign.DecisionDenied:
		d.t.print("            denied       %s; did not run\n", rule)
	default:
		d.t.print("            held         %s; %s\n", rule, needs(r.Verdict.Requirement))
	}
}

// needs is "one of payments, a session": who has to decide.
func needs(req *countersign.Requirement) string {
	var parts []string
	for _, s := range req.Stages {
		parts = append(parts, fmt.Sprintf("%d of %s, a %s each", s.Quorum, strings.Join(s.Reviewers, " or "), s.Assurance))
	}
	return strings.Join(parts, "; ")
}

// decide shows the refund and takes what is typed, or plays it.
func (d *demo) decide(ctx context.Context, data string, r countersign.Request) error {
	dir, err := d.server.gate.Directory(ctx)
	if err != nil {
		return err
	}
	d.t.brief(brief.Build(r, dir), time.Now())
	d.t.print("\n  [a] approve as Bob  [r] reject  [s] try as Alice, the agent's owner (refused)")
	d.t.print("  [v] verify the receipt  [q] quit")
	for key := range d.keys() {
		d.t.print("  > %s", key)
		done, err := d.do(ctx, data, r.ID, key)
		if err != nil || done {
			return err
		}
	}
	return nil
}

// keys are what the person types, or the whole story.
func (d *demo) keys() func(func(string) bool) {
	if d.auto {
		return func(yield func(string) bool) {
			for _, key := range []string{"s", "a", "v", "q"} {
				if !yield(key) {
					return
				}
			}
		}
	}
	return func(yield func(string) bool) {
		lines := bufio.NewScanner(d.t.in)
		for lines.Scan() {
			if key := strings.TrimSpace(lines.Text()); key != "" && !yield(key) {
				return
			}
		}
	}
}

func (d *demo) do(ctx context.Context, data string, id countersign.RequestID, key string) (done bool, err error) {
	switch key {
	case "a":
		return false, d.choose(ctx, id, bob, countersign.Approve)
	case "r":
		return false, d.choose(ctx, id, bob, countersign.Reject)
	case "s":
		return false, d.choose(ctx, id, alice, countersign.Approve)
	case "v":
		return false, d.verify(ctx, data, id)
	case "q":
		return true, nil
	}
	d.t.print("  a, r, s, v or q")
	return false, nil
}

// choose is a person's choice from the terminal, which only the demo takes.
func (d *demo) choose(ctx context.Context, id countersign.RequestID, person string, choice countersign.Choice) error {
	r, err := d.server.gate.Get(ctx, id)
	if err != nil {
		return err
	}
	dir, err := d.server.gate.Directory(ctx)
	if err != nil {
		return err
	}
	decision := gate.Decision{Request: id, Origin: countersign.Origin{Door: "demo"}, Decision: countersign.Decision{
		By: countersign.Principal{Kind: countersign.KindPerson, ID: person}, Choice: choice, Digest: r.Digest, View: brief.Build(r, dir).Digest(),
		Reason: "decided in the demo", Assurance: countersign.Session, AuthTime: time.Now().UTC().Truncate(time.Millisecond),
		Method: "demo", Channel: "demo", Solo: true,
	}}
	after, err := d.server.gate.Decide(ctx, decision)
	if refused, ok := errors.AsType[*countersign.Error](err); ok {
		d.t.print("  refused    %s.", refused.Detail)
		if refused.Code == countersign.CodeSelfApproval {
			d.t.print("             The attempt is on record: leaf %d.", d.leaf(ctx, id))
		}
		return nil
	}
	if err != nil {
		return err
	}
	d.t.print("  %-9s  by %s, leaf %d. Deciding from a terminal works in the demo only.", after.Decision, dir.People[person].Name, d.leaf(ctx, id))
	got := <-d.answers[id]
	after, err = d.server.settled(ctx, id)
	if err != nil {
		return err
	}
	d.t.print("  %-9s  %s", outcomeWord(after), oneLine(got.Text))
	if after.Execution == countersign.ExecutionSucceeded {
		d.t.print("             Leaf %d. It cannot run again.", d.leaf(ctx, id))
	}
	return nil
}

func outcomeWord(r countersign.Request) string {
	if r.Execution == countersign.ExecutionNone {
		return string(r.Decision)
	}
	return string(r.Execution)
}

// leaf is the index of the request's newest leaf.
func (d *demo) leaf(ctx context.Context, id countersign.RequestID) int64 {
	entries, err := d.server.store.Events(ctx, id)
	if err != nil || len(entries) == 0 {
		return -1
	}
	return entries[len(entries)-1].Index
}

// verify fetches the receipt as anybody would and checks it with the key alone.
func (d *demo) verify(ctx context.Context, data string, id countersign.RequestID) error {
	c, err := (&at{t: d.t, dataFolder: data}).client()
	if err != nil {
		return err
	}
	file, err := c.Receipt(ctx, string(id))
	if err != nil {
		return err
	}
	name := data + string(os.PathSeparator) + string(id) + ".json"
	if err := os.WriteFile(name, file, 0o600); err != nil {
		return err
	}
	trust, err := d.server.keys.trust()
	if err != nil {
		return err
	}
	began := time.Now()
	report := receipt.Verify(file, trust)
	err = d.t.verified(report, time.Since(began), false)
	d.t.print("\n  The same, offline:  countersign verify %s --key %s\n", name, data+string(os.PathSeparator)+vkeyFile)
	return err
}

// end says what the mass delete lacks, and takes it back.
func (d *demo) end(ctx context.Context, wipe countersign.Request) error {
	ctx = context.WithoutCancel(ctx)
	r, err := d.server.gate.Get(ctx, wipe.ID)
	if err != nil || r.Settled() {
		return err
	}
	d.t.print("  %s is still held: it needs %s,\n  and nobody here has enrolled a passkey.", brief.Summary(r).String(), needs(r.Verdict.Requirement))
	who := countersign.Who{Actor: d.bot.Principal(), Origin: countersign.Origin{Door: "demo"}}
	if _, err := d.server.gate.Withdraw(ctx, wipe.ID, who, "the demo ends"); err != nil {
		return err
	}
	<-d.answers[wipe.ID]
	d.t.print("  withdrawn  %s will not run, leaf %d.", wipe.ID, d.leaf(ctx, wipe.ID))
	return nil
}
