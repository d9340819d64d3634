package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/countersignhq/countersign/understand"
)

// loadConfig reads the configuration and checks the words in it that the
// catalogues know.
func loadConfig(path string) (config.Config, error) {
	c, err := config.Load(path)
	if err != nil {
		return c, err
	}
	var problems config.Problems
	for _, r := range c.Resources {
		for _, name := range slices.Sorted(maps.Keys(r.Tools)) {
			problems = append(problems, unknownVerbs(c.File, r.Tools[name])...)
		}
	}
	if len(problems) > 0 {
		return c, problems
	}
	return c, nil
}

func unknownVerbs(file string, t config.Tool) config.Problems {
	var ids []string
	for _, v := range understand.Verbs() {
		ids = append(ids, v.ID)
	}
	var problems config.Problems
	for _, verb := range t.Verbs {
		if _, ok := understand.FindVerb(verb); ok {
			continue
		}
		hint := "the verbs are " + strings.Join(ids, ", ")
		if near, ok := nearest.To(verb, ids); ok {
			hint = "did you mean " + near + "?"
		}
		problems = append(problems, config.Problem{File: file, Line: t.Line, Detail: "unknown verb " + strings.TrimSpace(verb), Hint: hint})
	}
	return problems
}
