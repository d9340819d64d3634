package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate/duty"
	"github.com/countersignhq/countersign/gate/duty/stint"
	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/countersignhq/countersign/upstream/fetch"
	"github.com/spf13/cobra"
)

// calendarsEvery is how often a calendar elsewhere is asked.
const calendarsEvery = 5 * time.Minute

// configureOnCall declares the on-call groups of the configuration, and makes what
// keeps who is on duty for them.
func (s *server) configureOnCall(ctx context.Context) error {
	var groups []duty.Group
	for _, o := range s.cfg.OnCall {
		d, err := s.gate.Directory(ctx)
		if err != nil {
			return err
		}
		if _, ok := d.Groups[o.Pool]; !ok {
			s.warnings = append(s.warnings, fmt.Sprintf("nobody is on duty for %s: %s", onCallName(o), noPool(d, o)))
			continue
		}
		if err := s.proposed("the on-call group "+o.Name, s.gate.SetOnCall(ctx, configuration(), onCallName(o), o.Pool)); err != nil {
			return err
		}
		g := duty.Group{Name: onCallName(o), Read: schedule(s.cfg, o)}
		if o.Schedule == "" {
			g.Every = calendarsEvery
		}
		groups = append(groups, g)
	}
	s.duty = duty.New(s.gate, s.store, groups, nil, s.log)
	return s.duty.Start(ctx)
}

func noPool(d *countersign.Directory, o config.OnCall) string {
	says := fmt.Sprintf("there is no group %q", o.Pool)
	if near, ok := nearest.To(o.Pool, slices.Sorted(maps.Keys(d.Groups))); ok {
		says += "; did you mean " + near + "?"
	}
	return says
}

// onCallName is what rules call the group.
func onCallName(o config.OnCall) string { return countersign.OnCallPrefix + o.Name }

// schedule reads who is on duty when.
func schedule(cfg config.Config, o config.OnCall) func(context.Context, time.Time, time.Time) ([]stint.Stint, error) {
	if o.Schedule != "" {
		return func(_ context.Context, from, to time.Time) ([]stint.Stint, error) {
			rota, err := config.LoadRota(o.Schedule, cfg.Pool(o))
			if err != nil {
				return nil, err
			}
			return rota.Stints(from, to), nil
		}
	}
	return func(ctx context.Context, from, to time.Time) ([]stint.Stint, error) {
		stints, _, err := readCalendar(ctx, o, from, to)
		return stints, err
	}
}

// readCalendar reads the calendar, and what events put nobody on duty.
func readCalendar(ctx context.Context, o config.OnCall, from, to time.Time) ([]stint.Stint, []string, error) {
	text, err := calendarText(ctx, o)
	if err != nil {
		return nil, nil, fmt.Errorf("the calendar of %s: %w", o.Name, err)
	}
	stints, unknown, err := stint.Calendar{Zone: o.Zone, People: o.People}.Stints(text, from, to)
	if err != nil {
		return nil, nil, fmt.Errorf("the calendar of %s: %w", o.Name, err)
	}
	return stints, unknown, nil
}

// calendarText reads file:PATH, and else asks the address, of which nothing is said.
func calendarText(ctx context.Context, o config.OnCall) ([]byte, error) {
	path, isFile := strings.CutPrefix(o.Calendar.String(), "file:")
	if !isFile {
		address, err := o.Calendar.Resolve(os.LookupEnv)
		if err != nil {
			return nil, err
		}
		return fetch.Get(ctx, address)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > fetch.Most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, fetch.Most)
	}
	return os.ReadFile(path)
}

func newOnCall(a *at) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "oncall [--json]", Short: "Show who is on duty by the schedules, now and next",
		Long: `Reads the schedules of the configuration's on-call groups and shows who is on duty in
the next 14 days. Only members of the pool are on duty: countersign group ls shows
who is so on record.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			return a.onCall(cmd.Context(), cfg, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *at) onCall(ctx context.Context, cfg config.Config, asJSON bool) error {
	now := time.Now()
	tb := a.t.table("GROUP", "POOL", "PERSON", "FROM", "TO")
	var errs []error
	for _, o := range cfg.OnCall {
		stints, err := schedule(cfg, o)(ctx, now, now.Add(duty.Horizon))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range stints {
			if asJSON {
				line := struct {
					Group string `json:"group"`
					stint.Stint
				}{onCallName(o), s}
				if err := a.t.json(line); err != nil {
					return err
				}
				continue
			}
			tb.row(cell{text: onCallName(o), colour: bold}, cell{text: o.Pool}, cell{text: s.Person}, cell{text: stamp(s.From)}, cell{text: stamp(s.To)})
		}
	}
	tb.flush()
	return errors.Join(errs...)
}

// onCall reads the schedules as the server does.
func (x *examination) onCall(ctx context.Context) {
	now := time.Now()
	for _, o := range x.cfg.OnCall {
		name := onCallName(o)
		stints, unknown, err := []stint.Stint(nil), []string(nil), error(nil)
		if o.Schedule != "" {
			stints, err = schedule(x.cfg, o)(ctx, now, now.Add(duty.Horizon))
		} else {
			stints, unknown, err = readCalendar(ctx, o, now, now.Add(duty.Horizon))
		}
		on := stint.On(stints, now)
		switch {
		case err != nil:
			x.wrong("on call", err)
			continue
		case len(on) == 0:
			x.warn("on call", "nobody can approve what waits for "+name+" alone", "nobody is on duty for %s now", name)
		default:
			x.ok("on call", "%s: %s, until %s", name, joined(on), stamp(stint.Next(stints, now)))
		}
		if len(unknown) > 0 {
			x.warn("on call", "add who they are to people: of the on-call group", "events that put nobody on duty for %s: %s", name, joined(unknown))
		}
		if pool := x.cfg.Pool(o); len(pool) > 0 {
			if outside := slices.DeleteFunc(on, func(p string) bool { return slices.Contains(pool, p) }); len(outside) > 0 {
				x.warn("on call", "a schedule selects, and never grants", "%s on duty for %s, and not of %s", joined(outside), name, o.Pool)
			}
		}
	}
}
