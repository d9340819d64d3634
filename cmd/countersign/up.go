package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/internal/redact"
	"github.com/countersignhq/countersign/upstream/confine"
	"github.com/spf13/cobra"
)

func newUp(a *at) *cobra.Command {
	var level slog.LevelVar
	var overHTTPS bool
	cmd := &cobra.Command{
		Use: "up [--config FILE]", Short: "Run the server",
		Long: `Runs the server of a configuration, ` + config.Name + ` here unless --config names
another, until it is interrupted. The first start makes the data folder and the keys,
prints a setup link with which you enrol a passkey, and says what to do next. What waits when it stops goes on waiting: it is on record.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if err := confine.HideMemory(); err != nil {
				return err
			}
			log := slog.New(redact.NewHandler(slog.NewTextHandler(a.t.err, &slog.HandlerOptions{Level: &level})))
			return a.up(cmd.Context(), cfg, options{log: log, claimOverHTTPS: overHTTPS})
		},
	}
	level.Set(slog.LevelWarn)
	cmd.Flags().BoolVar(&overHTTPS, "claim-over-https", false, "let the setup link be opened from another machine, over TLS")
	cmd.Flags().TextVar(&level, "log", &level, "debug, info, warn or error")
	return cmd
}

func (a *at) up(ctx context.Context, cfg config.Config, opt options) error {
	s, err := build(ctx, cfg, opt)
	if err != nil {
		return err
	}
	a.t.welcome(s)
	if err := a.t.claim(ctx, s); err != nil {
		return errors.Join(err, s.close(ctx))
	}
	if err := a.t.next(ctx, s, a.config); err != nil {
		return errors.Join(err, s.close(ctx))
	}
	err = s.serve(ctx, func() { a.t.say("ready; Ctrl-C stops it") })
	a.t.say("stopping; what waits for people stays pending")
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return errors.Join(err, s.close(closing))
}

// welcome says where everything is.
func (t *terminal) welcome(s *server) {
	t.say("Countersign %s", version())
	t.say("")
	t.say("  Console  %s", s.public)
	t.say("  Doors    http://%s", s.doors.Addr())
	for _, r := range s.cfg.Resources {
		t.say("           http://%s/%s", s.doors.Addr(), r.Name)
	}
	t.say("  Data     %s", s.cfg.Data)
	made := ""
	if s.keys.made {
		made = ", made now; keep a copy elsewhere"
	}
	t.say("  Log      %s", s.keys.origin)
	t.say("           verified by %s%s", filepath.Join(s.cfg.Data, vkeyFile), made)
	for _, w := range s.warnings {
		t.say("  Warning  %s", oneLine(w))
	}
	for _, w := range s.waits {
		t.say("  Waits    %s", oneLine(w))
	}
	if bytes, err := free(s.cfg.Data); err == nil && bytes < lowDisk {
		t.say("  Warning  %s", freeSays(bytes))
	}
	if host := hostOf(s.cfg.Listen); !isLoopback(host) && host != "localhost" {
		t.say("  Warning  listen %s is open to the network without TLS; put a TLS proxy in front of it", s.cfg.Listen)
	}
	t.say("")
}

// next says what is still to be done, as lines to copy. Before there is anybody that
// is the setup link alone, whose page goes on from there.
func (t *terminal) next(ctx context.Context, s *server, named string) error {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return err
	}
	open, err := s.unclaimed(ctx)
	if err != nil || open && len(d.People) == 0 {
		return err
	}
	self := "countersign"
	if named != "" {
		self += " --config " + named
	}
	var lines []string
	if len(d.People) == 0 {
		lines = append(lines, invite(self, s.cfg, d)...)
	}
	if len(d.Agents) == 0 && len(d.People) > 0 {
		lines = append(lines, self+" agent create deploy-bot --owner NAME    prints the agent's token, once")
	}
	if len(s.cfg.Resources) == 0 {
		lines = append(lines, fmt.Sprintf("add resources: to %s, and start it again", s.cfg.File))
	}
	if len(lines) == 0 {
		return nil
	}
	t.say("  Next, in another terminal:")
	for _, l := range lines {
		t.say("    %s", l)
	}
	t.say("")
	return nil
}

// invite is a line for each person that the configuration names, and one for each
// group that has nobody.
func invite(self string, cfg config.Config, d *countersign.Directory) []string {
	var lines []string
	seen := map[string]bool{}
	for _, name := range declaredGroups(cfg) {
		members := cfg.Groups[name]
		for _, m := range members {
			if m.Issuer == "local" && !seen[m.Subject] {
				seen[m.Subject] = true
				lines = append(lines, self+" person add "+quoteArg(m.Subject))
			}
		}
		if len(members) == 0 && len(d.Groups[name].Members) == 0 {
			lines = append(lines, self+" person add NAME --group "+name)
		}
	}
	if len(lines) == 0 {
		lines = []string{self + " person add NAME"}
	}
	lines[0] += "    prints a sign-in link that works once"
	return append(lines, "the owner of an agent cannot decide for it, so two people are the least")
}

// quoteArg quotes an argument for a shell where it needs it.
func quoteArg(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@/") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
