package config

import (
	"strings"
	"testing"
	"time"
)

const poolOfTwo = "groups: {payments-team: [\"local|alice\", \"local|bob\"]}\n"

func TestOnCallGroupsAreReadFromTheConfiguration(t *testing.T) {
	c, err := Parse("c.yaml", "/etc/countersign", []byte(poolOfTwo+`oncall:
- {name: payments, pool: payments-team, schedule: rota.yaml}
- name: db
  pool: dba
  calendar: env:DBA_CALENDAR
  zone: Europe/Berlin
  people: {"Alice@Example.com": "https://idp.example|alice", "Bob on call": "local|bob"}
`))
	if err != nil {
		t.Fatal(err)
	}
	roster, db := c.OnCall[0], c.OnCall[1]
	if roster.Schedule != "/etc/countersign/rota.yaml" || strings.Join(c.Pool(roster), " ") != "local|alice local|bob" {
		t.Errorf("got %+v of the pool %v", roster, c.Pool(roster))
	}
	if db.Calendar.String() != "env:DBA_CALENDAR" || db.Zone.String() != "Europe/Berlin" || db.People["alice@example.com"] != "https://idp.example|alice" || db.People["Bob on call"] != "local|bob" || len(c.Pool(db)) != 0 {
		t.Errorf("got %+v", db)
	}
}

func TestWhatIsWrongWithAnOnCallGroupIsSaid(t *testing.T) {
	for want, text := range map[string]string{
		`c.yaml:3: unknown key "scedule" in oncall`:                             "oncall:\n- {name: payments, pool: payments-team,\n   scedule: rota.yaml}",
		"has either a schedule or a calendar":                                   "oncall: [{name: payments, pool: payments-team, schedule: rota.yaml, calendar: \"https://a.example/b\"}]",
		"an oncall group has a name and a pool":                                 "oncall: [{name: payments, schedule: rota.yaml}]",
		"nothing says who the people in the calendar of payments are":           "oncall: [{name: payments, pool: payments-team, calendar: \"https://a.example/b\"}]",
		"people are for a calendar":                                             "oncall: [{name: payments, pool: payments-team, schedule: rota.yaml, people: {a: \"local|alice\"}}]",
		"the calendar of payments is nowhere":                                   "oncall: [{name: payments, pool: payments-team, calendar: oncall.ics, people: {a: \"local|alice\"}}]",
		"c.yaml:2: there is an oncall group payments already":                   "oncall: [{name: payments, pool: payments-team, schedule: a.yaml},\n  {name: payments, pool: payments-team, schedule: b.yaml}]",
		`"oncall:payments" is no name`:                                          "oncall: [{name: \"oncall:payments\", pool: payments-team, schedule: rota.yaml}]",
		`"Berlin" is no time zone`:                                              "oncall: [{name: payments, pool: payments-team, schedule: rota.yaml, zone: Berlin}]",
		`want issuer|subject, got "alice"`:                                      "oncall: [{name: payments, pool: payments-team, calendar: \"https://a.example/b\", people: {a: alice}}]",
		"c.yaml:2: local|alcie is none of the pool [did you mean local|alice?]": poolOfTwo + "oncall: [{name: payments, pool: payments-team, calendar: \"https://a.example/b\", people: {a: \"local|alcie\"}}]",
	} {
		_, err := Parse("c.yaml", "/", []byte(text))
		problems, _ := err.(Problems)
		if said := saidOf(problems); !strings.Contains(said, want) {
			t.Errorf("%s\ngot %q, want it to say %q", text, said, want)
		}
	}
}

func saidOf(problems Problems) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Error()+" ["+p.Hint+"]")
	}
	return strings.Join(all, "\n")
}

func TestARosterIsReadStrictly(t *testing.T) {
	const text = `rotations:
- {name: first, handover: weekly, begins: 2026-01-05 09:00, people: ["local|alice", "local|bob"]}
overrides:
- {person: "local|bob", from: 2026-01-06T18:00, to: 2026-01-06 22:00, rotation: first}
zone: Europe/Berlin
`
	known := []string{"local|alice", "local|bob"}
	rota, err := ParseRota("rota.yaml", []byte(text), known)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	stints := rota.Stints(from, from.AddDate(0, 0, 1))
	if len(stints) != 3 || stints[1].Person != "local|bob" || !stints[1].From.Equal(from.Add(17*time.Hour)) {
		t.Errorf("got %+v", stints)
	}
	for want, change := range map[string][2]string{
		"rota.yaml:2: local|alcie is none of the pool [did you mean local|alice?]":                {`"local|alice"`, `"local|alcie"`},
		`rota.yaml:2: handover: "weakly" is neither daily nor weekly [did you mean weekly?]`:      {"weekly", "weakly"},
		`rota.yaml:2: begins: want a day and a time, got "monday" [write it as 2026-01-05 09:00]`: {"2026-01-05 09:00", "monday"},
		`rota.yaml:4: there is no rotation "frist" [did you mean first?]`:                         {"rotation: first", "rotation: frist"},
		`rota.yaml:4: an override has a person, and from before to []`:                            {"2026-01-06 22:00", "2026-01-06 17:00"},
		`rota.yaml:5: zone: "Europe/Berlni" is no time zone of the IANA database`:                 {"Europe/Berlin", "Europe/Berlni"},
		`rota.yaml:3: unknown key "override" [did you mean overrides?]`:                           {"overrides:", "override:"},
		`rota.yaml:2: a rotation has a handover, a time at which it begins, and people`:           {", people: [\"local|alice\", \"local|bob\"]", ""},
	} {
		_, err := ParseRota("rota.yaml", []byte(strings.Replace(text, change[0], change[1], 1)), known)
		problems, _ := err.(Problems)
		if said := saidOf(problems); !strings.Contains(said, want) {
			t.Errorf("got %q, want it to say %q", said, want)
		}
	}
	if _, err := ParseRota("rota.yaml", nil, nil); err == nil {
		t.Error("an empty roster is taken")
	}
}

func FuzzRota(f *testing.F) {
	f.Add([]byte("rotations: [{handover: daily, begins: 2026-01-05 09:00, people: [\"local|alice\"]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		from := time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
		if rota, err := ParseRota("rota.yaml", text, nil); err == nil {
			rota.Stints(from, from.AddDate(0, 0, 14))
		}
	})
}
