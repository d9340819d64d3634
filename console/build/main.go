// Command build makes console/dist from console/web. It is run in the root of the
// repository:
//
//	go run ./console/build
//
// The bundler is a Go package, so that no Node is needed, and the same sources
// give the same bytes on every machine: a test compares them with what is
// committed.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("console"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the files of the console, whose folder is named.
func run(console string) error {
	files, err := bundle(filepath.Join(console, "web"))
	if err != nil {
		return fmt.Errorf("build the console: %w", err)
	}
	dist := filepath.Join(console, "dist")
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dist, name), b, 0o644); err != nil {
			return err
		}
	}
	size, err := zipped(files)
	if err != nil {
		return err
	}
	fmt.Printf("console.js and console.css: %d bytes, gzipped\n", size)
	return nil
}
