package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel/desk"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/gate/duty"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/identity/workload"
	"github.com/countersignhq/countersign/internal/redact"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/account"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/server/api"
	"github.com/countersignhq/countersign/server/executors"
	"github.com/countersignhq/countersign/server/health"
	"github.com/countersignhq/countersign/server/logtiles"
	"github.com/countersignhq/countersign/server/metrics"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/web"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/sqlite"
	"github.com/countersignhq/countersign/understand/mcptool"

	doormcp "github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/auth"
	"github.com/countersignhq/countersign/upstream/remote"
)

// options are what a server may be told besides its configuration. The zero value
// is what up runs.
type options struct {
	// executors run commands in this process, by resource, besides the upstreams
	// of the configuration.
	executors map[string]gate.Executor
	// resources are what executors run on; the configuration does not name them.
	resources []countersign.Resource
	// demo lets approvals come from where the agents run.
	demo bool
	// profiles are the people whom the sign-in page offers to be.
	profiles []string
	// slackAPI is where Slack's Web API is, in place of Slack's own address.
	slackAPI string
	// claimOverHTTPS lets a setup link be opened from another machine.
	claimOverHTTPS bool
	// listen opens the address that a key of the configuration names. Defaults to
	// one that refuses a port that is taken.
	listen func(key, address string) (net.Listener, error)
	log    *slog.Logger
}

// A server is everything that one process serves. build puts it together, serve
// runs it, close ends it.
type server struct {
	cfg  config.Config
	opt  options
	log  *slog.Logger
	keys keys
	// public is how people reach the console.
	public *url.URL

	listener, doors net.Listener
	store           store.Store
	record          metrics.Record // the store, as the metrics look at it
	metrics         *metrics.Metrics
	metricsToken    string
	trust           ledger.Trust
	gate            *gate.Gate
	web             *web.Web
	// passkeys is nil where public_url has no name that a passkey could have.
	passkeys *passkey.Passkeys
	desk     *setup.Desk
	// cards posts what people are asked to the chats.
	cards *desk.Desk
	chats map[string]chat
	// duty keeps who is on call.
	duty *duty.Worker
	// oauth and tokens tell of, and take, the tokens of issuers; nil where the
	// configuration names none.
	oauth  *auth.Server
	tokens *workload.Verifier
	// upstreams are those of the configuration, by resource.
	upstreams map[string]upstream
	// remotes are those among them that run in processes of agents.
	remotes map[string]*remote.Remote
	// notices is where they meet the clients that listen.
	notices notice.Hub
	ready   []string // the resources whose upstreams have started
	// warnings are what was not as the configuration wants it.
	warnings []string
	// languages read the texts that tools are given.
	languages mcptool.Languages
	// waits are the changes of the configuration that people have to let through.
	waits []string

	servers []*served
	closers []func(context.Context) error // in the order of opening
}

// build opens everything and puts the configuration on record. Nothing is served
// before serve. What was opened is closed again on an error.
func build(ctx context.Context, cfg config.Config, opt options) (*server, error) {
	if opt.log == nil {
		opt.log = slog.New(slog.DiscardHandler)
	}
	if opt.listen == nil {
		opt.listen = func(key, address string) (net.Listener, error) { return listen(key, address, cfg.File) }
	}
	opt.log = slog.New(redact.NewHandler(opt.log.Handler()))
	s := &server{cfg: cfg, opt: opt, log: opt.log, metrics: metrics.New(version())}
	var err error
	if s.metricsToken, err = metricsToken(cfg, os.LookupEnv); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		s.openPorts, s.openIssuers, s.openStore, s.makeUpstreams, s.openParsers, s.openGate, s.look, s.openChannels, s.startUpstreams, s.configure, s.wire,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.close(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

func (s *server) later(do func(context.Context) error) { s.closers = append(s.closers, do) }

// close ends everything in the reverse order of opening.
func (s *server) close(ctx context.Context) error {
	var errs []error
	if s.gate != nil {
		s.gate.Drain()
	}
	for _, do := range slices.Backward(s.closers) {
		errs = append(errs, do(ctx))
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *server) openPorts(ctx context.Context) (err error) {
	if owns(ctx, s.cfg.Data) {
		return failed("countersign ls talks to it; stop it to start another", "a server is running on %s already", s.cfg.Data)
	}
	for key, to := range map[string]*net.Listener{"listen": &s.listener, "doors": &s.doors} {
		address := map[string]string{"listen": s.cfg.Listen, "doors": s.cfg.Doors}[key]
		if *to, err = s.opt.listen(key, address); err != nil {
			return err
		}
		s.later(func(context.Context) error { return closed((*to).Close()) })
	}
	s.public = s.cfg.Public(s.listener.Addr())
	return nil
}

// closed forgives closing twice: an http.Server closes its listener.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *server) openStore(ctx context.Context) (err error) {
	if err := makeFolder(s.cfg.Data); err != nil {
		return err
	}
	if s.keys, err = openKeys(s.cfg, s.public.Hostname()); err != nil {
		return err
	}
	if err := writeVKey(s.cfg.Data, s.keys.vkey); err != nil {
		return err
	}
	if s.trust, err = s.keys.trust(); err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, filepath.Join(s.cfg.Data, databaseFile), sqlite.Config{
		Origin: s.keys.origin, Signer: s.keys.signer, Keys: s.trust.Keys, VaultKey: s.keys.vault, Pin: s.cfg.Keys.Pin,
		Measure: s.metrics.Committed,
	})
	if err != nil {
		return err
	}
	s.store, s.record = db, db
	s.later(func(context.Context) error { return db.Close() })
	return nil
}

func (s *server) openGate(ctx context.Context) (err error) {
	executors := map[string]gate.Executor{}
	for name, up := range s.upstreams {
		executors[name] = up
	}
	maps.Copy(executors, s.opt.executors)
	s.gate, err = gate.New(ctx, s.store, s.trust, gate.Config{
		Executors: executors, Sinks: s.cfg.Sinks, Languages: s.languages, Log: s.log, Demo: s.opt.demo, Cards: s.cfg.Channels.Slack != nil,
		Limits: gate.Limits{PerMinute: s.cfg.Limits.RequestsPerMinute, Pending: s.cfg.Limits.Pending}, Recorded: s.metrics.Recorded,
	})
	if err != nil {
		return err
	}
	s.later(s.gate.Close)
	return nil
}

// wire is the list of what is served, and where.
func (s *server) wire(context.Context) error {
	socket, err := admin.Listen(filepath.Join(s.cfg.Data, socketFile))
	if err != nil {
		return fmt.Errorf("the admin socket: %w", err)
	}
	s.desk = setup.New(s.store.Ephemeral(), time.Now)
	if s.passkeys, err = passkey.New(s.store.Ephemeral(), s.public.String(), time.Now); err != nil {
		s.passkeys = nil
		s.warnings = append(s.warnings, "nobody can enrol a passkey: "+err.Error())
	}
	s.web, err = web.New(s.gate, s.store.Ephemeral(), web.Config{
		PublicURL: s.public.String(), Head: s.store.Head, Events: s.store.Events, Log: s.log, Demo: s.opt.demo, Profiles: s.opt.profiles,
		Version: version(),
	})
	if err != nil {
		return err
	}
	s.serveOn(s.listener, s.people(), "listen")
	s.serveOn(s.doors, s.agents(), "doors")
	s.serveOn(socket, s.operator(), "admin")
	return nil
}

// people is what stands on listen.
func (s *server) people() http.Handler {
	mux := http.NewServeMux()
	for _, c := range s.chats {
		if c.handler != nil {
			mux.Handle(c.path, c.handler)
		}
	}
	mux.Handle("/", s.web)
	mux.Handle("/v1/", api.New(s.gate, s.store, api.Config{
		Door: rest.Config{Origin: s.public.String(), Sessions: s.sessions(), Log: s.log},
		Accounts: account.Config{
			Passkeys: s.passkeys, Desk: s.desk, LinkCode: s.cards.Code, Chats: slices.Sorted(maps.Keys(s.chats)),
			About: account.About{Version: version(), Log: s.keys.origin, VKey: s.keys.vkey, Demo: s.opt.demo},
		},
	}))
	mux.Handle("/log/", logtiles.New(s.store, logtiles.Config{Auditor: s.auditor, Log: s.log}))
	probes := s.health()
	mux.Handle("/healthz", probes)
	mux.Handle("/readyz", probes)
	mux.HandleFunc(metricsPath, s.measured)
	return problem.Watch(s.ownHostsOnly(s.claimedFirst(s.byName(mux))), s.metrics.Problem("api"))
}

func (s *server) health() http.Handler {
	return health.New(s.store, health.Config{Data: s.cfg.Data, Trust: s.trust, Log: s.log, GivenUp: s.givenUp})
}

// sessions tells whose browser session a request carries.
func (s *server) sessions() func(*http.Request) (countersign.Principal, rest.AuthInfo, bool) {
	return account.SessionsOf(s.gate, s.store.Ephemeral(), time.Now)
}

// auditors is the group whose people may read the entries of the log, and the
// agents that it owns.
const auditors = "auditors"

func (s *server) auditor(r *http.Request) bool {
	d, err := s.gate.Directory(r.Context())
	if err != nil {
		return false
	}
	if text := bearer(r); text != "" {
		agent, err := token.Authenticate(d, text, time.Now())
		return err == nil && agent.Owner == auditors
	}
	who, _, ok := s.sessions()(r)
	person, known := d.People[who.ID]
	return ok && known && !person.Inactive && slices.Contains(d.GroupsOf(person.ID, time.Now()), auditors)
}

// link makes a sign-in link for the person.
func (s *server) link(ctx context.Context, person string) (string, error) {
	return s.web.Link(ctx, person)
}

// agents is what stands on doors.
func (s *server) agents() http.Handler {
	mux := http.NewServeMux()
	door := doormcp.New(s.gate, doormcp.Config{
		Authenticate: s.asker, Authorization: s.offered(), PublicURL: s.public.String(), Hosts: s.doorHosts(),
		Describe: s.describe, Version: version(), Log: s.log, StateKey: s.keys.derive("mcp request state"),
		Budgets: budgets(s.cfg.Clients), Refused: s.metrics.Problem("mcp"), Notices: &s.notices,
	})
	mux.Handle("/mcp/", door)
	mux.Handle(auth.WellKnown, door)
	attach := executors.New(executors.Config{Authenticate: s.agent, Remotes: s.remotes, VKey: s.keys.vkey})
	attached := problem.Watch(attach, s.metrics.Problem("executor"))
	mux.Handle("/executor", attached)
	mux.Handle("/executor/", attached)
	return mux
}

// agent is whose bearer token a request carries.
func (s *server) agent(ctx context.Context, r *http.Request) (countersign.Principal, error) {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return countersign.Principal{}, err
	}
	found, err := token.Authenticate(d, bearer(r), time.Now())
	return found.Principal(), err
}

// operator is what stands on the admin socket.
func (s *server) operator() http.Handler {
	reads := http.NewServeMux()
	reads.Handle("/readyz", s.health())
	reads.Handle("/", api.New(s.gate, s.store, api.Config{
		Door: rest.Config{
			Name: "admin", Log: s.log,
			Authenticate: func(*http.Request) (countersign.Principal, rest.AuthInfo, bool) {
				return countersign.Operator(), rest.AuthInfo{Method: "socket", Channel: "cli"}, true
			},
		},
	}))
	return admin.New(s.gate, s.store, admin.Config{
		Reads: reads, Link: s.web.Link, Groups: keptGroups(s.cfg), GivenUp: s.dead, Retry: s.cards.Retry,
		Server: admin.Server{
			Version: version(), PID: os.Getpid(), PublicURL: s.public.String(),
			Doors: "http://" + s.doors.Addr().String(), Origin: s.keys.origin,
		},
	})
}
