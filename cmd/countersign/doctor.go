package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign/config"
	"github.com/spf13/cobra"
)

func newDoctor(a *at) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor [--config FILE]", Short: "Look for what is wrong, and say what to do",
		Long: `Looks at the configuration, the data folder, the keys, the record, the policy, the
people, the agents and the upstreams, of a server that runs or of one that does not:
then it also reads the whole record again, and starts each upstream.

Exits with 1 if something keeps the server from being of use.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// level says how bad a finding is.
type level string

const (
	fine    level = "ok"
	concern level = "warning"
	broken  level = "failed"
)

// A finding is one thing that was looked at.
type finding struct {
	Level level  `json:"level"`
	What  string `json:"what"`
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// An examination is one run of the doctor.
type examination struct {
	*at
	cfg     config.Config
	running bool
	found   []finding
}

func (x *examination) ok(what, format string, args ...any) {
	x.found = append(x.found, finding{fine, what, fmt.Sprintf(format, args...), ""})
}

func (x *examination) warn(what, hint, format string, args ...any) {
	x.found = append(x.found, finding{concern, what, fmt.Sprintf(format, args...), hint})
}

func (x *examination) bad(what, hint, format string, args ...any) {
	x.found = append(x.found, finding{broken, what, fmt.Sprintf(format, args...), hint})
}

// wrong takes an error as what is wrong.
func (x *examination) wrong(what string, err error) {
	if f, ok := errors.AsType[*failure](err); ok {
		x.bad(what, f.hint, "%s", f.detail)
		return
	}
	x.bad(what, "", "%v", err)
}

func (a *at) doctor(ctx context.Context, asJSON bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	x := &examination{at: a, cfg: cfg, running: owns(ctx, cfg.Data)}
	x.ok("configuration", "%s, %s", cfg.File, count(len(cfg.Resources), "resource"))
	for _, look := range []func(context.Context){
		x.folder, x.keyFiles, x.disk, x.addresses, x.record, x.policy, x.people, x.onCall, x.agents, x.resources, x.upstreams, x.issuers, x.metrics, x.slack, x.givenUp,
	} {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		look(ctx)
	}
	return a.t.examined(x.found, asJSON)
}

func (t *terminal) examined(found []finding, asJSON bool) error {
	failures := 0
	for _, f := range found {
		if f.Level == broken {
			failures++
		}
		if asJSON {
			if err := t.json(f); err != nil {
				return err
			}
			continue
		}
		colour := map[level]string{concern: yellow, broken: red}[f.Level]
		t.print("%s  %-13s  %s", t.paint(colour, fmt.Sprintf("%-7s", f.Level)), f.What, oneLine(f.Says))
		if f.Hint != "" {
			t.print("%24shint: %s", "", oneLine(f.Hint))
		}
	}
	if failures > 0 {
		return exit(exitFailed)
	}
	return nil
}
