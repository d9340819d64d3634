package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

// manyRules writes n rules as a large organisation would have them: each about
// one resource or a prefix of them, some about a verb or class everywhere.
func manyRules(n int) map[string][]byte {
	var b strings.Builder
	b.WriteString(head)
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "- {id: r%d, effect: allow, match: {resources: [db/app-%d], verbs: [sql.read]}, when: \"data.classes.size() == 0 && !ind('sql.unbounded-read') && ind_max() <= LOW && facts.tool != 't%d'\"}\n", i, i, i)
		case 1:
			fmt.Fprintf(&b, "- {id: r%d, effect: hold, match: {resources: ['db/app-%d*'], environments: [prod], verbs: [sql.write]}, when: \"ind('sql.no-where') || preview.rows > %d\", require: {reviewers: [dba], quorum: 2}}\n", i, i, 1000+i)
		case 2:
			fmt.Fprintf(&b, "- {id: r%d, effect: deny, match: {resources: ['svc-%d/*'], data_classes: [pii]}, when: \"facts.exports && !(sink.region in resource.regions) && facts.tool != 't%d'\"}\n", i, i, i)
		default:
			fmt.Fprintf(&b, "- {id: r%d, effect: hold, match: {resources: [mcp/tool-%d], requester_kinds: [agent]}, when: \"requester.name == 'bot-%d'\", require: {reviewers: [owners]}}\n", i, i, i)
		}
	}
	b.WriteString("- {id: everywhere, effect: hold, match: {environments: [prod], verbs: [sql.write]}, require: {reviewers: [owners], reason: true}}\n")
	b.WriteString("- {id: pii, effect: deny, match: {data_classes: [pii]}, when: 'facts.exports && !(sink.region in resource.regions)'}\n")
	return map[string][]byte{"policy/many.yaml": []byte(b.String())}
}

// A decision shall take less than 100 µs of CPU with 1,000 rules.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		p, err := Load(manyRules(n), testCatalogue())
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			change func(*Input)
			want   countersign.Effect
		}{
			{"held", func(in *Input) { in.Resource.Name = "db/app-1" }, countersign.Hold},
			{"allowed", func(in *Input) {
				in.Resource.Name, in.Facts.Verbs, in.Facts.Classes = "db/app-0", []string{"sql.read"}, nil
				in.Facts.Objects = []countersign.Object{{Name: "public.plans", Verb: "sql.read", Certainty: countersign.Known}}
			}, countersign.Allow},
			{"a resource of 100 tools", func(in *Input) {
				in.Resource.Tools, in.Resource.Pins = map[string]countersign.Tool{}, map[string]countersign.Digest{}
				for i := range 100 {
					name := fmt.Sprintf("tool_%d", i)
					in.Resource.Tools[name] = countersign.Tool{Verbs: []string{"mcp.read"}}
					in.Resource.Pins[name] = countersign.DigestOfCanonical([]byte(name))
				}
				in.Catalogue = countersign.DigestOfCanonical(nil)
			}, countersign.Hold},
		} {
			in := with(c.change)
			b.Run(fmt.Sprintf("%s/%d rules", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if v := p.Decide(b.Context(), in, nil); v.Effect != c.want {
						b.Fatalf("got %s, want %s", v.Effect, c.want)
					}
				}
			})
		}
	}
}

// 1,000 rules shall load in less than a second.
func BenchmarkLoad(b *testing.B) {
	files, c := manyRules(1000), testCatalogue()
	for b.Loop() {
		if _, err := Load(files, c); err != nil {
			b.Fatal(err)
		}
	}
}
