package sql_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/understandtest"
)

// hostile are texts that bring PostgreSQL's parser down, or keep it busy.
func hostile() map[string]string {
	return map[string]string{
		"2,000 terms":              "SELECT 1" + strings.Repeat("+1", 2_000),
		"50,000 operators":         "SELECT 1" + strings.Repeat("+1", 50_000),
		"8 KB of hidden operators": "SELECT '" + strings.Repeat(`'||'`, 4_000) + "'",
		// The one that reaches the parser and ends it: a child takes seconds to replace.
		"4,000 terms that seem to be quoted": `SELECT E'\''` + strings.Repeat("+1", 4_000) + ` AS "'"`,
		"20,000 alternatives":                "SELECT 1 WHERE a=1" + strings.Repeat(" OR a=1", 8_000),
		"30,000 negations":                   "SELECT " + strings.Repeat("NOT ", 15_000) + "true",
		"30,000 parentheses":                 "SELECT " + strings.Repeat("(", 30_000) + "1" + strings.Repeat(")", 30_000),
		"a statement of 1 MB":                "SELECT '" + strings.Repeat("x", 1<<20) + "'",
		"a NUL":                              "SELECT 1\x00; DROP TABLE users",
		"no UTF-8":                           "SELECT '\xff'",
		"nothing":                            "",
	}
}

func TestWhateverTheTextNobodyTakesItForARead(t *testing.T) {
	for name, text := range hostile() {
		answer, err := pool.Ask([]byte(text))
		if err != nil {
			t.Logf("%s: %v", name, err)
			if !errors.Is(err, worker.ErrTooLarge) && !errors.Is(err, worker.ErrBroken) && !errors.Is(err, worker.ErrLate) {
				t.Errorf("%s: got %v", name, err)
			}
		} else if r, err := understand.ParseReading(answer); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if slices.Contains(understandtest.Words(r), "sql.unparseable") {
			t.Logf("%s: %s", name, r.Found[0].Evidence)
		} else {
			t.Errorf("%s: got %v, want sql.unparseable", name, understandtest.Words(r))
		}
		if got := understandtest.Words(reading(t, "SELECT 1")); !slices.Equal(got, []string{"sql.read"}) {
			t.Errorf("after %s the next statement is %v", name, got)
		}
	}
}

// A rewrite that means the same is found to be the same.
func TestBlanksCommentsAndCaseChangeNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, c := range corpus(t, "testdata/corpus.txt") {
		if strings.ContainsAny(c.Text, `'"$\`) || strings.Contains(c.Text, "--") || strings.ContainsFunc(c.Text, func(r rune) bool { return r > 0x7e }) {
			continue
		}
		want := understandtest.Words(reading(t, c.Text))
		if slices.Contains(want, "sql.unparseable") {
			continue
		}
		for range 3 {
			rewritten := rewrite(random, c.Text)
			if got := understandtest.Words(reading(t, rewritten)); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: got %v, %q: %v", c.Text, want, rewritten, got)
			}
		}
	}
}

func rewrite(random *rand.Rand, text string) string {
	var out strings.Builder
	for _, c := range text {
		switch {
		case c == ' ':
			out.WriteString([]string{" ", "\n", "\t ", " /* DROP TABLE x; */ ", " -- x\n"}[random.IntN(5)])
		case random.IntN(2) == 0:
			out.WriteString(strings.ToUpper(string(c)))
		default:
			out.WriteString(strings.ToLower(string(c)))
		}
	}
	return out.String()
}

func TestTablesAreNamedAndWhatIsDoneToThem(t *testing.T) {
	for text, want := range map[string][]string{
		`SELECT * FROM users u, Public.Orders WHERE u.id = orders.id`:                     {"users sql.read", "public.orders sql.read"},
		`SELECT * FROM "Users" JOIN "a.b" ON true`:                                        {`"Users" sql.read`, `"a.b" sql.read`},
		`WITH t AS (SELECT * FROM a) DELETE FROM t USING t x`:                             {"a sql.read", "t sql.delete"},
		`INSERT INTO a SELECT * FROM b`:                                                   {"a sql.write", "b sql.read"},
		`DROP TABLE a, s.b`:                                                               {"a sql.ddl", "s.b sql.ddl"},
		`TRUNCATE a`:                                                                      {"a sql.delete"},
		`CREATE TABLE x AS SELECT * FROM a`:                                               {"x sql.ddl", "a sql.read"},
		`MERGE INTO t USING s ON t.id=s.id WHEN MATCHED THEN UPDATE SET a=1`:              {"t sql.write", "s sql.read"},
		`WITH users AS (SELECT * FROM users), o AS (SELECT * FROM users) SELECT 1 FROM o`: {"users sql.read"},
	} {
		var got []string
		for _, o := range reading(t, text).Objects {
			got = append(got, o.Name+" "+o.Verb)
		}
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/corpus.txt", "testdata/more.txt"} {
		for _, c := range corpus(f, file) {
			f.Add(c.Text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		answer, err := pool.Ask([]byte(text))
		if err != nil {
			return // it cost its child, and is held
		}
		r, err := understand.ParseReading(answer)
		if err != nil {
			t.Fatalf("%q: %s: %v", text, answer, err)
		}
		// Whatever changes something says so in words that no read has.
		if slices.Equal(understandtest.Words(r), []string{"sql.read"}) && !strings.ContainsAny(strings.ToLower(text), "stv(") {
			t.Fatalf("%q counts as a bounded read", text)
		}
	})
}
