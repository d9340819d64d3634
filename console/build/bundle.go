package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// browsers are the oldest that the console is made for: those with
// light-dark(), popover and Ed25519 in WebCrypto.
const browsers = api.ES2022

// bundle returns the files of dist by name, made from the folder web.
func bundle(web string) (map[string][]byte, error) {
	licence, err := os.ReadFile(filepath.Join(web, "vendor", "preact", "LICENSE"))
	if err != nil {
		return nil, err
	}
	files, err := build(web, api.BuildOptions{
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "console.tsx", OutputPath: "console"},
			{InputPath: "console.css", OutputPath: "console"},
			{InputPath: "icons.svg", OutputPath: "icons"},
		},
		Platform:         api.PlatformBrowser,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		LegalComments: api.LegalCommentsNone,
		Loader:        map[string]api.Loader{".svg": api.LoaderCopy, ".yaml": api.LoaderText},
		// The fonts lie beside the style sheet where it is served.
		External: []string{"fonts/*", "./fonts/*"},
	})
	if err != nil {
		return nil, err
	}
	files["MIT-preact.txt"] = licence // goes where the script goes
	return files, nil
}

// build runs the bundler over the folder web; nothing is written.
func build(web string, o api.BuildOptions) (map[string][]byte, error) {
	dir, err := filepath.Abs(web)
	if err != nil {
		return nil, err
	}
	o.AbsWorkingDir, o.Outdir = dir, filepath.Join(dir, "out")
	o.Bundle, o.Format, o.Target, o.Charset = true, api.FormatESModule, browsers, api.CharsetUTF8
	o.Tsconfig = filepath.Join(dir, "tsconfig.json")
	o.LogLevel, o.LogOverride = api.LogLevelSilent, nil
	result := api.Build(o)
	if problems := append(result.Errors, result.Warnings...); len(problems) > 0 {
		var all []error
		for _, line := range api.FormatMessages(problems, api.FormatMessagesOptions{}) {
			all = append(all, errors.New(line))
		}
		return nil, errors.Join(all...)
	}
	files := map[string][]byte{}
	for _, f := range result.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	return files, nil
}

// zipped returns what the script and the style sheet weigh on the wire.
func zipped(files map[string][]byte) (int, error) {
	total := 0
	for _, name := range []string{"console.js", "console.css"} {
		b, ok := files[name]
		if !ok {
			return 0, fmt.Errorf("the bundle has no %s", name)
		}
		var out bytes.Buffer
		w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return 0, err
		}
		if _, err := w.Write(b); err != nil {
			return 0, err
		}
		if err := w.Close(); err != nil {
			return 0, err
		}
		total += out.Len()
	}
	return total, nil
}
