package brief_test

import (
	"testing"

	"github.com/countersignhq/countersign"
)

// FuzzBuild looks for params of which the layout loses something, or shows
// something that cannot be seen.
func FuzzBuild(f *testing.F) {
	for _, value := range attacks {
		if len(value) < 1000 {
			f.Add("tools/call", params(f, value), "arguments.value", value)
		}
	}
	f.Add("tools/call", refundParams, "arguments.metadata", "20931")
	f.Add("resources/read", `{"uri":"file:///a","list":[[[]],{}],"n":1e99}`, "list[0]", "a")
	for _, params := range secrets {
		if len(params) < 1000 {
			f.Add("tools/call", params, "arguments.password", "hunter2")
		}
	}
	f.Add("tools/call", `{"name":"a","Name":"b"}`, "", "")
	f.Add("tools/call", `[`, "", "")
	f.Fuzz(func(t *testing.T, method, params, where, text string) {
		if len(params)+len(text) > 1<<13 {
			t.Skip("long ones are tested elsewhere")
		}
		r := request(t, method, params)
		r.Reason, r.Requester.Name = text, text
		r.Facts.Indicators = []countersign.Indicator{{ID: "text.bidi", Severity: countersign.High, Where: where, Evidence: text}}
		check(t, r, directory())
	})
}
