package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/server/health"
	"github.com/countersignhq/countersign/store/sqlite"
	upmcp "github.com/countersignhq/countersign/upstream/mcp"
)

func (x *examination) folder(context.Context) {
	if !exists(x.cfg.Data) {
		x.warn("data folder", "countersign up makes it", "%s is not there yet", x.cfg.Data)
		return
	}
	if err := checkFolder(x.cfg.Data); err != nil {
		x.wrong("data folder", err)
		return
	}
	x.ok("data folder", "%s, 0700", x.cfg.Data)
}

func (x *examination) keyFiles(context.Context) {
	at := x.cfg.Keys
	if !exists(at.Log) && !exists(at.Vault) && !exists(filepath.Join(x.cfg.Data, databaseFile)) {
		x.warn("keys", "countersign up makes them", "there are none yet")
		return
	}
	k, err := readKeys(at)
	if err != nil {
		x.wrong("keys", err)
		return
	}
	b, err := os.ReadFile(filepath.Join(x.cfg.Data, vkeyFile))
	if err != nil || string(b) != k.vkey+"\n" {
		x.bad("keys", "countersign up writes it again once it is moved away", "%s is not the verifier key of %s", filepath.Join(x.cfg.Data, vkeyFile), at.Log)
		return
	}
	x.ok("keys", "%s and %s, 0600, of %s", at.Log, at.Vault, k.origin)
	if filepath.Dir(at.Log) == x.cfg.Data {
		x.warn("keys", "keys: {log: \"file:…\", vault: \"file:…\", pin: \"file:…\"} in another place, for production", "they lie in the folder that they guard")
	}
}

func (x *examination) disk(context.Context) {
	bytes, err := free(x.cfg.Data)
	switch {
	case err != nil: // the folder is not there, which has been said
	case bytes < leastDisk:
		x.bad("disk", "free some", "%s", freeSays(bytes))
	case bytes < lowDisk:
		x.warn("disk", "free some", "%s", freeSays(bytes))
	default:
		x.ok("disk", "%s", freeSays(bytes))
	}
}

func (x *examination) addresses(context.Context) {
	if x.running {
		return
	}
	for key, address := range map[string]string{"listen": x.cfg.Listen, "doors": x.cfg.Doors} {
		l, err := listen(key, address, x.cfg.File)
		if err != nil {
			x.wrong("addresses", err)
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			x.wrong("addresses", err)
			continue
		}
		x.ok("addresses", "%s %s is free", key, address)
	}
	if host := hostOf(x.cfg.Listen); !isLoopback(host) && host != "localhost" {
		x.warn("addresses", "put a TLS proxy in front of it", "listen %s is open to the network without TLS", x.cfg.Listen)
	}
}

// record asks the running server whether it is ready, or reads the whole record
// of one that does not run.
func (x *examination) record(ctx context.Context) {
	if x.running {
		x.ready(ctx)
		return
	}
	if !exists(filepath.Join(x.cfg.Data, databaseFile)) {
		return
	}
	db, err := openRecord(ctx, x.cfg)
	if err != nil {
		x.wrong("record", err)
		return
	}
	scrubbed := db.Scrub(ctx)
	head, err := db.Head(ctx)
	if err != nil {
		x.wrong("record", errors.Join(err, db.Close()))
		return
	}
	last, known := lastEvent(ctx, db, head)
	if err := db.Close(); err != nil {
		x.wrong("record", err)
		return
	}
	if scrubbed != nil {
		x.bad("record", "restore a backup, and compare it with receipts and checkpoints", "%v", scrubbed)
		return
	}
	x.ok("record", "%s leaves, each read again and as signed", grouped(head.Size))
	if known {
		x.clock(last)
	}
}

// lastEvent is when the record ends, if it can be read; the scrub says if not.
func lastEvent(ctx context.Context, db *sqlite.Store, head ledger.Checkpoint) (time.Time, bool) {
	if head.Size == 0 {
		return time.Time{}, false
	}
	leaves, err := db.Leaves(ctx, head.Size-1, head.Size)
	if err != nil || len(leaves) != 1 {
		return time.Time{}, false
	}
	last, err := ledger.ParseLeaf(leaves[0])
	return last.Event.At, err == nil
}

func (x *examination) clock(last time.Time) {
	if behind := time.Until(last); behind > time.Minute {
		x.bad("clock", "set the clock: nothing is released before the last event", "it is %s behind the last event on record", behind.Round(time.Second))
		return
	}
	x.ok("clock", "not behind the record, which ends %s", stamp(last))
}

func (x *examination) ready(ctx context.Context) {
	s, err := get[admin.Server](ctx, x.at, "/v1/server")
	if err != nil {
		x.wrong("server", err)
		return
	}
	x.ok("server", "runs as process %d at %s", s.PID, s.PublicURL)
	report, err := answered[health.Report](x.do(ctx, http.MethodGet, "/readyz", nil))
	if err != nil {
		x.bad("server", "its log says why", "it is not ready: %v", err)
		return
	}
	x.ok("record", "%s: %s", "ready", joined(slices.Sorted(maps.Keys(report.Checks))))
}

func (x *examination) policy(ctx context.Context) {
	found, err := x.lint(ctx, x.cfg, nil)
	if err != nil {
		x.wrong("policy", err)
		return
	}
	for _, f := range found {
		if f.Level == policy.Error {
			x.bad("policy", "", "%s", f)
		} else {
			x.warn("policy", "", "%s", f)
		}
	}
	if len(found) == 0 {
		x.ok("policy", "nothing to complain about")
	}
}

func (x *examination) people(ctx context.Context) {
	if !x.running {
		return // who is there stands on the record, which the policy's check has not read
	}
	d := countersign.NewDirectory()
	if err := x.fetch(ctx, d); err != nil {
		x.wrong("people", err)
		return
	}
	active := 0
	for _, p := range d.People {
		if !p.Inactive {
			active++
		}
	}
	if active < 2 {
		x.warn("people", "countersign person add NAME", "%d of them: the owner of an agent cannot decide for it, so two are the least", active)
	} else {
		x.ok("people", "%d who may decide", active)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		if len(d.Groups[name].Members) == 0 && !d.Groups[name].IsOnCall() {
			x.warn("people", "countersign person add NAME --group "+name, "nobody is in group %s", name)
		}
	}
}

func (x *examination) agents(ctx context.Context) {
	if !x.running {
		return
	}
	d, err := x.directory(ctx, x.cfg)
	if err != nil {
		x.wrong("agents", err)
		return
	}
	now, soon := time.Now(), time.Now().Add(7*24*time.Hour)
	for _, agent := range d.Agents {
		live := slices.DeleteFunc(slices.Clone(agent.Tokens), func(t countersign.Token) bool { return !t.Live(now) })
		last := time.Time{}
		for _, t := range live {
			if t.Expires.After(last) {
				last = t.Expires
			}
		}
		switch owner, person := d.People[agent.Owner]; {
		case len(live) == 0:
			x.warn("agents", "countersign agent token "+agent.Name, "%s has no live token", agent.Name)
		case last.Before(soon):
			x.warn("agents", "countersign agent token "+agent.Name, "the last token of %s ends %s", agent.Name, stamp(last))
		case person && owner.Inactive:
			x.warn("agents", "give it an owner who answers for it", "%s, who owns %s, is deactivated", owner.Name, agent.Name)
		default:
			x.ok("agents", "%s, a token until %s", agent.Name, stamp(last))
		}
	}
}

// resources looks for what nobody guards as they may think.
func (x *examination) resources(ctx context.Context) {
	for _, r := range x.cfg.Resources {
		where := fmt.Sprintf("%s:%d: %s", x.cfg.File, r.Line, r.Name)
		if len(r.Tools) == 0 {
			x.warn("resources", "list its tools, with what each does", "%s lists no tools, so every call of it is held", where)
		}
		if len(r.DataClasses) == 0 {
			x.warn("resources", "data_classes: [internal], or what it holds", "%s does not say what data it has, so no rule lets a call through", where)
		}
		if len(r.Owners) == 0 {
			x.warn("resources", "owners: [GROUP]", "%s has no owners to ask", where)
		}
	}
	if !x.running {
		return
	}
	all, err := get[client.Resources](ctx, x.at, "/v1/resources")
	if err != nil {
		x.wrong("resources", err)
		return
	}
	for _, r := range all.Resources {
		for _, name := range slices.Sorted(maps.Keys(r.Tools)) {
			if r.Tools[name].Changed != "" {
				x.warn("resources", "countersign resource show "+r.Name+", then repin it", "tool %s of %s is not as pinned; its calls are held", name, r.Name)
			}
		}
	}
}

// upstreams starts each program as the server would. One that the server has
// running is not started a second time.
func (x *examination) upstreams(ctx context.Context) {
	for _, r := range x.cfg.Resources {
		isolation := "kept from the data folder by Landlock"
		switch {
		case r.Upstream.Wrapped != "":
			x.ok("upstreams", "%s runs in a process of %s, who could also do it without asking", r.Name, r.Upstream.Wrapped)
			continue
		case r.Upstream.User != "":
			isolation = "as user " + r.Upstream.User
		case r.Upstream.UnsafeSameUser:
			x.warn("upstreams", "give it a user: of its own", "%s runs as the server's own user, without isolation", r.Name)
			isolation = "without isolation"
		}
		if x.running {
			continue
		}
		if err := x.start(ctx, r); err != nil {
			x.wrong("upstreams", err)
			continue
		}
		x.ok("upstreams", "%s starts, %s", r.Name, isolation)
	}
}

func (x *examination) start(ctx context.Context, r config.Resource) error {
	if !exists(x.cfg.Data) {
		return failed("countersign up makes it", "%s is not tried: the data folder that it is kept from is not there yet", r.Name)
	}
	k, err := readKeys(x.cfg.Keys)
	if err != nil {
		return err
	}
	trust, err := k.trust()
	if err != nil {
		return err
	}
	in, err := upstreamConfig(x.cfg, r, trust, os.LookupEnv)
	if err != nil {
		return err
	}
	up, err := upmcp.New(in)
	if err != nil {
		return err
	}
	defer up.Close()
	return startError(x.cfg.File, r, up.Start(ctx))
}
