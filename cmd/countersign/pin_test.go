package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/config"
)

// A backup that somebody put back is whole and signed, and lacks what was on record
// since: only the pin knows.
func TestAnOlderCopyOfAStoppedFolderIsFound(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, config.Name)
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:0\ndoors: 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "data", databaseFile)
	lives := func(person string) {
		t.Helper()
		cfg, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := build(t.Context(), cfg, options{})
		if err != nil {
			t.Fatal(err)
		}
		agentOf(t, s, person)
		if err := s.close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	say := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(args, strings.NewReader(""), &out, &out, func(string) (string, bool) { return "", false })
		return code, out.String()
	}
	lives("alice")
	older, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	lives("bob")
	pinned, err := os.ReadFile(filepath.Join(dir, "data", "log.pin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"audit", "--data", filepath.Join(dir, "data")}, {"audit", "--config", file}} {
		if code, said := say(args...); code != exitOK {
			t.Errorf("%v: exit %d of the newest record, want 0:\n%s", args, code, said)
		}
	}
	if err := os.WriteFile(database, older, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		code int
		args []string
	}{
		{exitTampered, []string{"audit", "--data", filepath.Join(dir, "data")}},
		{exitTampered, []string{"audit", "--config", file}},
		{exitFailed, []string{"doctor", "--config", file}},
	} {
		if code, said := say(tt.args...); code != tt.code || !strings.Contains(said, "this is an older copy") {
			t.Errorf("%v: exit %d, want %d and to hear of the older copy:\n%s", tt.args, code, tt.code, said)
		}
	}
	if now, err := os.ReadFile(filepath.Join(dir, "data", "log.pin")); err != nil || !bytes.Equal(now, pinned) {
		t.Errorf("the pin was moved, %v", err)
	}
}
