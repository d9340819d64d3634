package main

import (
	"context"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/understand/mcptool"
	"github.com/countersignhq/countersign/understand/shell"
	"github.com/countersignhq/countersign/understand/sql"
)

// parsers are what children of this binary read.
func parsers() map[string]worker.Handler {
	return map[string]worker.Handler{sql.Worker: sql.Parse, shell.Worker: shell.Parse}
}

// openParsers makes the pools of parsers. Those that a tool of the configuration
// needs are started now; one that is needed later starts then.
func (s *server) openParsers(context.Context) error {
	pools := map[string]*worker.Pool{
		countersign.LanguageSQL:   worker.New(sql.Worker, worker.Config{OnStart: s.metrics.Parser(countersign.LanguageSQL)}),
		countersign.LanguageShell: worker.New(shell.Worker, worker.Config{OnStart: s.metrics.Parser(countersign.LanguageShell)}),
	}
	for _, p := range pools {
		s.later(func(context.Context) error { return p.Close() })
	}
	for _, r := range s.cfg.Resources {
		for _, t := range r.Tools {
			if p, ok := pools[t.Understand]; ok {
				p.Warm()
			}
		}
	}
	s.languages = mcptool.Languages{SQL: pools[countersign.LanguageSQL].Ask, Shell: pools[countersign.LanguageShell].Ask}
	return nil
}
