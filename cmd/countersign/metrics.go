package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"os"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/server/problem"
)

const metricsPath = "/metrics"

// leastToken is how long a token of the configuration is at least, in bytes.
const leastToken = 16

// metricsToken is the token of /metrics, empty if none is configured.
func metricsToken(cfg config.Config, lookup func(string) (string, bool)) (string, error) {
	if !cfg.Metrics.Token.IsReference() {
		return "", nil
	}
	text, err := cfg.Metrics.Token.Resolve(lookup)
	if err != nil {
		return "", failed("set it before the server starts", "metrics: token %v", err)
	}
	if len(text) < leastToken {
		return "", failed("openssl rand -hex 32 makes one", "metrics: the token %s is shorter than %d characters", cfg.Metrics.Token, leastToken)
	}
	return text, nil
}

// measured is /metrics. Without a token it is for programs on this machine, and for
// nobody where people come by another name than this machine's own: then a proxy
// stands in front, and whoever comes through it may look like a program here.
func (s *server) measured(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		problem.WriteMethod(w, []string{http.MethodGet, http.MethodHead})
		return
	}
	if err := s.mayMeasure(r); err != nil {
		problem.Write(w, err, "")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.metrics.ServeHTTP(w, r)
}

func (s *server) mayMeasure(r *http.Request) error {
	if s.metricsToken != "" {
		sent, want := sha256.Sum256([]byte(bearer(r))), sha256.Sum256([]byte(s.metricsToken))
		if subtle.ConstantTimeCompare(sent[:], want[:]) == 1 {
			return nil
		}
		return &countersign.Error{
			Code: countersign.CodeUnauthenticated, Detail: "the metrics are for who has their token",
			Hint: "send Authorization: Bearer and the token that metrics: names in the configuration",
		}
	}
	name := s.public.Hostname()
	if fromThisMachine(r) && (name == "localhost" || isLoopback(name)) {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeForbidden, Detail: "the metrics are for programs on this machine",
		Hint: `metrics: {token: "env:COUNTERSIGN_METRICS_TOKEN"} in the configuration lets others read them`,
	}
}

// look has the metrics look at what waits, once there is a gate.
func (s *server) look(context.Context) error {
	for _, r := range s.cfg.Resources {
		s.metrics.Begin(r.Name)
	}
	for _, r := range s.opt.resources {
		s.metrics.Begin(r.Name)
	}
	s.metrics.Look(s.record, s.gate.Waiting, time.Now)
	return nil
}

// metrics looks whether the token can be read.
func (x *examination) metrics(context.Context) {
	token, err := metricsToken(x.cfg, os.LookupEnv)
	switch {
	case err != nil:
		x.wrong("metrics", err)
	case token != "":
		x.ok("metrics", "for who has the token of %s", x.cfg.Metrics.Token)
	}
}
