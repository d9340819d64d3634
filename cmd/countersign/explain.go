package main

import (
	"context"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// explain is what the active policy would say of an ask that nobody makes. It
// leaves out what only a real one has: what became of the same ask before.
func (s *server) explain(ctx context.Context, ask gate.Ask) (countersign.Facts, countersign.Verdict, error) {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return countersign.Facts{}, countersign.Verdict{}, err
	}
	command, ok := ask.Command.(countersign.MCPRequest)
	r, there := d.Resources[ask.Command.On()]
	if !ok || !there {
		return countersign.Facts{}, countersign.Verdict{}, &countersign.Error{
			Code: countersign.CodeUnknownResource, Detail: fmt.Sprintf("there is no resource %q", ask.Command.On()), Hint: "countersign resource ls shows them",
		}
	}
	if command.Params, err = mcptool.Strip(command.Params); err != nil {
		return countersign.Facts{}, countersign.Verdict{}, &countersign.Error{Code: countersign.CodeBadRequest, Detail: err.Error()}
	}
	p, err := s.activePolicy(d)
	if err != nil {
		return countersign.Facts{}, countersign.Verdict{}, err
	}
	facts := mcptool.Understand(command, r, s.cfg.Sinks)
	return facts, p.Decide(ctx, policy.Input{
		Facts: facts, Resource: r, Requester: ask.By, OnBehalfOf: ask.OnBehalfOf, AgentRegion: d.Agents[ask.By.ID].Region, Now: time.Now(),
	}, nil), nil
}

// activePolicy compiles the policy on record; without one everything is held.
func (s *server) activePolicy(d *countersign.Directory) (*policy.Policy, error) {
	if d.Policy == nil {
		return nil, nil
	}
	files := map[string][]byte{}
	for name, text := range d.Policy.Files {
		files[name] = []byte(text)
	}
	return policy.Load(files, policy.CatalogueOf(d, s.cfg.Sinks))
}
