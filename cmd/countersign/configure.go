package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/policy"
)

// configure puts what the configuration says on record, where it is not there
// already: groups, resources, and the policy, which is checked against both. What
// has to wait for people waits, and what is on record goes on. Then it has each
// upstream list its tools, which pins those that are new.
func (s *server) configure(ctx context.Context) error {
	if err := s.configureGroups(ctx); err != nil {
		return err
	}
	if err := s.configureOnCall(ctx); err != nil {
		return err
	}
	resources := slices.Clone(s.opt.resources)
	for _, r := range s.cfg.Resources {
		resources = append(resources, labels(r, s.upstreams[r.Name].Target()))
	}
	waiting, err := s.configureResources(ctx, resources)
	if err != nil {
		return err
	}
	if err := s.configureIdentities(ctx); err != nil {
		return err
	}
	if err := s.configurePolicy(ctx); err != nil {
		return err
	}
	for _, name := range s.ready {
		if !waiting[name] { // its upstream may be one that nobody has let in yet
			s.list(ctx, name)
		}
	}
	return nil
}

// proposed notes what became of a change that the configuration asks for and that
// was not made: the server runs on with what is on record. It returns any other
// error.
func (s *server) proposed(what string, err error) error {
	if held, ok := errors.AsType[*gate.HeldError](err); ok {
		s.waits = append(s.waits, fmt.Sprintf("%s is as it was until two people with passkeys approve %s: %s", what, held.Request.ID, s.public.JoinPath("r", string(held.Request.ID))))
		return nil
	}
	switch countersign.CodeOf(err) {
	case countersign.CodeCannotApprove, countersign.CodeRejected, countersign.CodeDenied, countersign.CodeExpired,
		countersign.CodeLapsed, countersign.CodeWithdrawn, countersign.CodeFailed, countersign.CodeUnknownOutcome:
		s.warnings = append(s.warnings, fmt.Sprintf("%s stays as it was: %v", what, err))
		return nil
	}
	return err
}

// configuration is who changes what the file says: whoever may write it.
func configuration() countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "configuration"}, Method: "file"}
}

// keptGroups are the groups whose members the configuration keeps. One without
// members is only declared: the operator keeps those.
func keptGroups(cfg config.Config) map[string][]string {
	kept := map[string][]string{}
	for name, members := range cfg.Groups {
		for _, m := range members {
			kept[name] = append(kept[name], m.String())
		}
	}
	return kept
}

func (s *server) configureGroups(ctx context.Context) error {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return err
	}
	byMember := map[string]string{}
	for id, p := range d.People {
		byMember[p.Issuer+"|"+p.Subject] = id
	}
	kept := keptGroups(s.cfg)
	for _, name := range declaredGroups(s.cfg) {
		var ids []string
		for _, m := range kept[name] {
			if id, ok := byMember[m]; ok {
				ids = append(ids, id)
			} else {
				s.warnings = append(s.warnings, fmt.Sprintf("%s of group %s is nobody yet", m, name))
			}
		}
		if _, there := d.Groups[name]; there && kept[name] == nil {
			continue
		}
		if err := s.proposed("the group "+name, s.gate.SetGroup(ctx, configuration(), name, ids)); err != nil {
			return err
		}
	}
	return nil
}

// declaredGroups are all groups that the configuration names: those under groups,
// and the owners of resources.
func declaredGroups(cfg config.Config) []string {
	names := slices.Collect(maps.Keys(cfg.Groups))
	for _, r := range cfg.Resources {
		names = append(names, r.Owners...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// configureResources returns the names of the resources that wait for people.
func (s *server) configureResources(ctx context.Context, resources []countersign.Resource) (waiting map[string]bool, err error) {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return nil, err
	}
	waiting = map[string]bool{}
	for _, r := range resources {
		err := s.gate.SetResource(ctx, configuration(), r)
		waiting[r.Name] = err != nil
		if err := s.proposed("the resource "+r.Name, err); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Resources)) {
		if slices.ContainsFunc(resources, func(r countersign.Resource) bool { return r.Name == name }) {
			continue
		}
		if err := s.proposed("the resource "+name, s.gate.RemoveResource(ctx, configuration(), name)); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

// labels is a resource of the file as the record has it.
func labels(r config.Resource, target countersign.Digest) countersign.Resource {
	out := countersign.Resource{
		Name: r.Name, Environment: r.Environment, Regions: r.Regions, DataClasses: r.DataClasses,
		Owners: r.Owners, Target: target, UnsafeSameUser: r.Upstream.UnsafeSameUser, Wrapped: r.Upstream.Wrapped,
	}
	for name, t := range r.Tools {
		if out.Tools == nil {
			out.Tools = map[string]countersign.Tool{}
		}
		out.Tools[name] = countersign.Tool{Verbs: t.Verbs, Classes: t.Classes, Sink: t.Sink, Understand: t.Understand, Argument: t.Argument}
	}
	for name, t := range r.Tables {
		if out.Tables == nil {
			out.Tables = map[string]countersign.Table{}
		}
		out.Tables[name] = countersign.Table{Classes: t.Classes, Columns: t.Columns}
	}
	return out
}

// configurePolicy makes the files the active policy. Files that do not load keep
// a first start from happening; later the policy on record stays the active one.
func (s *server) configurePolicy(ctx context.Context) error {
	files, err := policyFiles(s.cfg)
	if err != nil {
		return err
	}
	err = s.gate.SetPolicy(ctx, configuration(), files)
	bad, ok := errors.AsType[*policy.LoadError](err)
	if !ok {
		return s.proposed("the policy", err)
	}
	d, err := s.gate.Directory(ctx)
	if err != nil || d.Policy == nil {
		return errors.Join(err, findings(bad.Findings))
	}
	for _, f := range bad.Findings {
		s.warnings = append(s.warnings, oneLine(f.String()))
	}
	s.warnings = append(s.warnings, "the policy on record stays the active one; countersign policy lint tells when the files load")
	if len(s.waits) > 0 {
		s.warnings = append(s.warnings, "the files may name what waits; when that is approved, countersign policy load tries them again")
	}
	return nil
}

// findings are those of a policy that does not load, as lines to mend.
func findings(list []policy.Finding) error {
	var problems config.Problems
	for _, f := range list {
		text := f.Text
		if f.Rule != "" {
			text = "rule " + f.Rule + ": " + text
		}
		problems = append(problems, config.Problem{File: f.File, Line: f.Line, Detail: text})
	}
	return problems
}

// policyFiles reads the policy that the configuration names, by the names that
// stand in verdicts: relative to the configuration. Without any it is the starter.
func policyFiles(cfg config.Config) (map[string]string, error) {
	if len(cfg.Policy) == 0 {
		return map[string]string{policy.StarterFile: string(policy.Starter())}, nil
	}
	return readPolicy(cfg.Dir, cfg.Policy)
}

// readPolicy reads files, and all *.yaml in folders. Names are relative to dir.
func readPolicy(dir string, paths []string) (map[string]string, error) {
	files := map[string]string{}
	for _, path := range paths {
		found, err := yamlFiles(path)
		if err != nil {
			return nil, failed("policy: names files and folders with *.yaml", "the policy cannot be read: %v", err)
		}
		for _, file := range found {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, failed("", "the policy cannot be read: %v", err)
			}
			name := file
			if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "..") {
				name = rel
			}
			files[filepath.ToSlash(name)] = string(b)
		}
	}
	if len(files) == 0 {
		return nil, failed("write one, or leave policy: away for the starter policy", "there is no *.yaml in %s", strings.Join(paths, ", "))
	}
	return files, nil
}

func yamlFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".yaml") {
			files = append(files, name)
		}
		return err
	})
	return files, err
}
