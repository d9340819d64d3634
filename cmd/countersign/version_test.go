package main

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionSaysWhatItWasBuiltFrom(t *testing.T) {
	commit := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0509a87d2a7b0c1f6a2f6d0d4c8d7a3e9b1c5f20"}, {Key: "vcs.time", Value: "2026-11-22T23:52:08-05:00"},
	}
	changed := append(commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"})
	made := debug.Module{Version: "v0.0.0-20261123045208-0509a87d2a7b+dirty"}
	for _, tt := range []struct {
		tagged string
		info   debug.BuildInfo
		want   string
	}{
		{"v1.2.0", debug.BuildInfo{Main: made, Settings: changed}, "v1.2.0"},
		{"v1.2.0-3-g0509a87", debug.BuildInfo{Settings: commit}, "v1.2.0-3-g0509a87"},
		{"", debug.BuildInfo{Main: made, Settings: commit}, "devel-0509a87d2a7b-20261123"},
		{"", debug.BuildInfo{Main: made, Settings: changed}, "devel-0509a87d2a7b-20261123-changed"},
		{"", debug.BuildInfo{Main: debug.Module{Version: "v1.2.0"}}, "v1.2.0"},
		{"", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "devel"},
		{"", debug.BuildInfo{}, "devel"},
	} {
		if got := versionOf(tt.tagged, &tt.info); got != tt.want {
			t.Errorf("tag %q, %+v: got %q, want %q", tt.tagged, tt.info, got, tt.want)
		}
	}
}
