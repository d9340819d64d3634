package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/spf13/cobra"
)

func newPolicy(a *at) *cobra.Command {
	return parent("policy", "The rules: lint, explain, load", a.policyLint(), a.policyExplain(), a.policyLoad())
}

func (a *at) policyLint() *cobra.Command {
	return &cobra.Command{
		Use: "lint [PATH]…", Short: "Check policy files before they bite",
		Long: `Checks the policy of the configuration, or the files and folders named, against the
groups, resources and sinks of the configuration and, if a server runs, against the
people and groups it has. Exits with 1 if the policy would not load, or holds what
nobody could approve.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			found, err := a.lint(cmd.Context(), cfg, args)
			if err != nil {
				return err
			}
			return a.t.linted(found)
		},
	}
}

// lint checks the paths, or the policy of the configuration.
func (a *at) lint(ctx context.Context, cfg config.Config, paths []string) ([]policy.Finding, error) {
	texts, err := policyFiles(cfg)
	if len(paths) > 0 {
		texts, err = readPolicy(cfg.Dir, paths)
	}
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, text := range texts {
		files[name] = []byte(text)
	}
	d, err := a.directory(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return policy.Lint(files, policy.CatalogueOf(d, cfg.Sinks), d), nil
}

func (t *terminal) linted(found []policy.Finding) error {
	wrong := 0
	for _, f := range found {
		level, colour := "warning", yellow
		if f.Level == policy.Error {
			level, colour = "error", red
			wrong++
		}
		t.print("%s: %s", t.paint(colour, level), oneLine(f.String()))
	}
	switch {
	case wrong > 0:
		return exit(exitFailed)
	case len(found) == 0:
		t.say("nothing to complain about")
	}
	return nil
}

func (a *at) policyExplain() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "explain ID | explain --file action.json", Short: "Tell why a request is allowed, held or denied",
		Long: `Tells the verdict on a request as it is on record, or with --file what the active
policy would say of an action; nothing of it is recorded and nothing runs:

  {"resource":"mcp/files","command":{"kind":"mcp.request","method":"tools/call",
   "params":"{\"name\":\"write_file\",\"arguments\":{}}"}}`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (file == "") == (len(args) == 0) {
				return failed(cmd.UseLine(), "give a request's id, or a file")
			}
			v, err := a.verdict(cmd.Context(), strings.Join(args, ""), file)
			if err != nil {
				return err
			}
			for line := range strings.Lines(policy.Explain(v)) {
				a.t.print("%s", oneLine(line))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "an action, as JSON")
	return cmd
}

func (a *at) verdict(ctx context.Context, id, file string) (countersign.Verdict, error) {
	if file == "" {
		r, err := get[client.Request](ctx, a, "/v1/requests/"+id)
		if err != nil {
			return countersign.Verdict{}, err
		}
		return verdictOf(r.Verdict), nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return countersign.Verdict{}, failed("", "the action cannot be read: %v", err)
	}
	if !json.Valid(b) {
		return countersign.Verdict{}, failed("countersign policy explain --help shows one", "%s is not JSON", file)
	}
	e, err := operate[client.Explanation](ctx, a, http.MethodPost, "/v1/policy/explain", json.RawMessage(b))
	if err != nil {
		return countersign.Verdict{}, err
	}
	return verdictOf(e.Verdict), nil
}

// verdictOf reads a verdict back from the JSON of the contract.
func verdictOf(v client.Verdict) countersign.Verdict {
	out := countersign.Verdict{Effect: countersign.Effect(v.Effect)}
	for _, r := range v.Rules {
		out.Rules = append(out.Rules, countersign.RuleTrace{
			ID: r.ID, Value: countersign.RuleValue(r.Value), Effect: countersign.Effect(r.Effect),
			Counts: r.Counts, Why: r.Why, Source: r.Source, Waits: r.Waits,
		})
	}
	if q := v.Requirement; q != nil {
		out.Requirement = &countersign.Requirement{
			Reason: q.ReasonRequired, ExpiresAt: q.ExpiresAt, RunWithinSeconds: q.RunWithinSeconds, Bounds: q.Bounds, Blocked: q.Blocked,
		}
		for _, s := range q.Stages {
			out.Requirement.Stages = append(out.Requirement.Stages, countersign.Stage{
				Reviewers: s.Reviewers, Quorum: s.Quorum, Assurance: countersign.Assurance(s.Assurance),
			})
		}
	}
	return out
}

func (a *at) policyLoad() *cobra.Command {
	return &cobra.Command{
		Use: "load", Short: "Make the configuration's policy the active one, now",
		Long: `Reads the policy files of the configuration again and makes them the active policy
of the running server. What is held stays held; what was approved is judged again
before it runs.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			files, err := policyFiles(cfg)
			if err != nil {
				return err
			}
			p, err := operate[client.Policy](cmd.Context(), a, http.MethodPut, "/v1/policy", admin.Bundle{Files: files})
			if err != nil {
				return err
			}
			a.t.print("%s", p.Digest)
			return nil
		},
	}
}
