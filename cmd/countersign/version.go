package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// tagged is the tag that a release is made from; the Makefile has the linker set it.
var tagged string

func newVersion(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: takes(),
		RunE: func(*cobra.Command, []string) error {
			t.print("countersign %s %s/%s %s", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
			return nil
		},
	}
}

// version is what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(tagged, info)
}

// versionOf is a tag where there is one, else "devel" with the commit, its day, and
// whether files were changed since. It stands in addresses and headers: no spaces.
func versionOf(tagged string, info *debug.BuildInfo) string {
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if tagged != "" {
		return tagged
	}
	revision := set["vcs.revision"]
	if len(revision) < 12 { // go install of a version knows that and no commit
		if v := info.Main.Version; v != "(devel)" {
			return cmp.Or(v, "devel")
		}
		return "devel"
	}
	text := "devel-" + revision[:12]
	if at, err := time.Parse(time.RFC3339, set["vcs.time"]); err == nil {
		text += "-" + at.UTC().Format("20060102")
	}
	if set["vcs.modified"] == "true" {
		text += "-changed"
	}
	return text
}
