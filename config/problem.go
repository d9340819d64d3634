package config

import (
	"fmt"
	"strings"
)

// A Problem is one thing that is wrong with a configuration.
type Problem struct {
	File   string
	Line   int // 0: the file as a whole
	Detail string
	Hint   string
}

// Error implements error: "countersign.yaml:12: unknown key \"listne\"".
func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Detail
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Detail)
}

// Problems are all that is wrong with a configuration, in the order of the lines.
type Problems []Problem

// Error implements error, a line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}
