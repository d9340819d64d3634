package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// BenchmarkConsole measures what people wait for, in a real browser against the
// real program: until an Inbox of 500 acts on keys, and from the time on record of
// a request, or of what ended one, to the frame of an open page that shows it. Its
// ns/op says nothing.
func BenchmarkConsole(b *testing.B) {
	took := map[string][]float64{} // milliseconds
	for b.Loop() {
		cmd := inBrowsers(b, "e2e/figures.mjs")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(out, &took); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
	for _, what := range []string{"inbox", "request", "decision"} {
		var all durations
		for _, ms := range took[what] {
			all = append(all, time.Duration(ms*float64(time.Millisecond)))
		}
		if len(all) == 0 {
			b.Fatalf("nothing was measured of %s", what)
		}
		b.ReportMetric(float64(all.at(0.5).Milliseconds()), what+"-p50-ms")
		b.ReportMetric(float64(all.at(0.99).Milliseconds()), what+"-p99-ms")
	}
}
