package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Value is a text, or a reference to where a secret is kept: env:NAME or
// file:PATH. A secret is never in the configuration and never echoed.
type Value struct {
	literal string
	scheme  string // "env" or "file"; empty for a literal
	where   string
}

// Literal returns a value that is no secret.
func Literal(s string) Value { return Value{literal: s} }

// IsReference reports whether the value is kept elsewhere.
func (v Value) IsReference() bool { return v.scheme != "" }

// String is safe to print: a reference is given as such.
func (v Value) String() string {
	if v.scheme != "" {
		return v.scheme + ":" + v.where
	}
	return v.literal
}

// Resolve reads what the value refers to. One line end is cut off a file. The
// lookup is os.LookupEnv.
func (v Value) Resolve(lookup func(string) (string, bool)) (string, error) {
	switch v.scheme {
	case "":
		return v.literal, nil
	case "env":
		s, ok := lookup(v.where)
		if !ok || s == "" {
			return "", fmt.Errorf("%s: the variable is not set", v)
		}
		return s, nil
	}
	b, err := os.ReadFile(v.where)
	if err != nil {
		return "", fmt.Errorf("%s: %w", v, err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if s == "" {
		return "", fmt.Errorf("%s: the file is empty", v)
	}
	return s, nil
}

// parseValue reads a value as it stands in a file of the folder.
func parseValue(s, dir string) Value {
	if name, ok := strings.CutPrefix(s, "env:"); ok && name != "" {
		return Value{scheme: "env", where: name}
	}
	if path, ok := strings.CutPrefix(s, "file:"); ok && path != "" {
		return Value{scheme: "file", where: under(dir, path)}
	}
	return Literal(s)
}

// under is the path, from the folder if it is relative.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// secretName reports whether a variable of the name probably holds a secret.
func secretName(name string) bool {
	name = strings.ToUpper(name)
	for _, word := range []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
