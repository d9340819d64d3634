package shell

import (
	"slices"
	"strings"
)

// A way of a program to run another one: its flags that take a value, and how
// many operands come before the program.
type prefix struct {
	valued   string
	operands int
	finds    string // an indicator
}

// prefixes are programs that run their arguments. It is never written to.
var prefixes = map[string]prefix{
	"command": {}, "builtin": {}, "exec": {valued: "-a"}, "nohup": {}, "setsid": {}, "nice": {valued: "-n --adjustment"}, "ionice": {valued: "-c -n -p"},
	"timeout": {valued: "-k -s --kill-after --signal", operands: 1}, "stdbuf": {valued: "-i -o -e"}, "time": {valued: "-o -f"}, "busybox": {}, "chrt": {operands: 1},
	"taskset": {operands: 1},
	"sudo":    {valued: "-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir", finds: "sh.privilege"},
	"xargs":   {valued: "-I -n -P -L -d -s -a -E --max-args --max-procs --delimiter --arg-file --replace --max-lines", finds: "sh.args-from-stdin"},
}

// wrapper looks at a program whose arguments decide what it does, or which
// program it runs.
func (w *walker) wrapper(name string, args []word) (known bool) {
	if p, ok := prefixes[name]; ok {
		w.prefixed(name, p, args)
		return true
	}
	if shells[name] {
		w.shell(name, args)
		return true
	}
	look := map[string]func([]word){
		"env": w.env, "su": w.su, "eval": w.eval, "trap": w.trap, "find": w.finds, "watch": w.watch, "ssh": w.ssh, "kubectl": w.kubectl, "oc": w.kubectl,
		"docker": w.container, "podman": w.container, "nerdctl": w.container, "git": w.git, "tar": w.tar, "sed": w.sed, "base64": w.decoder, "xxd": w.decoder,
		"printenv": w.printenv,
	}[name]
	if look == nil {
		return false
	}
	look(args)
	return true
}

// flags splits the flags of a program from what follows them. A flag that takes
// a value has it as the next argument, or attached. ok is false if nobody can
// tell where the flags end.
func flags(args []word, valued string) (given []string, rest []word, ok bool) {
	takes := words(valued)
	for len(args) > 0 {
		a := args[0]
		switch {
		case a.made != written:
			return given, args, false
		case a.text == "--":
			return given, args[1:], true
		case !strings.HasPrefix(a.text, "-") || a.text == "-":
			return given, args, true
		}
		given, args = append(given, a.text), args[1:]
		if takes[a.text] && len(args) > 0 {
			given, args = append(given, args[0].text), args[1:]
		}
	}
	return given, nil, true
}

// prefixed looks at the program that another one runs.
func (w *walker) prefixed(name string, p prefix, args []word) {
	if p.finds != "" {
		w.find(p.finds, name)
	}
	given, rest, ok := flags(args, p.valued)
	for ok && name == "sudo" && len(rest) > 0 && rest[0].made == written && strings.Contains(rest[0].text, "=") {
		w.variable(rest[0].text)
		rest = rest[1:]
	}
	rest = rest[min(p.operands, len(rest)):]
	own := name == "sudo" && slices.ContainsFunc(given, func(f string) bool { return f == "-s" || f == "-i" || f == "--shell" || f == "--login" })
	switch {
	case !ok:
		w.opaque("the arguments of " + name)
	case own && len(rest) == 0:
		w.find("sh.interactive", name)
	case own:
		w.joined(name, rest)
	case len(rest) > 0:
		if name == "xargs" && !slices.Contains(given, "-I") {
			// What comes from the input may be flags.
			rest = append(slices.Clone(rest), word{made: computed})
		}
		w.program(rest)
	case name == "sudo":
		w.find("sh.unclassified", "sudo "+strings.Join(given, " "))
	}
}

// variable notes a variable that is set for a program.
func (w *walker) variable(assignment string) {
	name, _, _ := strings.Cut(assignment, "=")
	if hijacks(name) {
		w.find("sh.env-hijack", name)
	}
}

// joined reads arguments that a shell gets as one line.
func (w *walker) joined(name string, args []word) {
	list, ok := texts(args)
	if !ok {
		w.opaque("the line that " + name + " runs")
		return
	}
	w.line(strings.Join(list, " "))
}

// shell looks at a shell: the line after -c is read, everything else is not
// there to be read.
func (w *walker) shell(name string, args []word) {
	for i, a := range args {
		if a.made != written || !strings.HasPrefix(a.text, "-") && !strings.HasPrefix(a.text, "+") {
			break
		}
		if a.text == "-o" || a.text == "+o" || a.text == "-O" || strings.HasPrefix(a.text, "--") {
			break
		}
		if strings.Contains(a.text, "c") && len(args) > i+1 {
			rest := args[i+1:]
			for len(rest) > 1 && strings.HasPrefix(rest[0].text, "-") {
				rest = rest[1:]
			}
			w.joined(name, rest[:1])
			return
		}
	}
	w.opaque("what " + name + " reads")
	if w.piped > 0 {
		w.find("sh.pipe-to-shell", name)
	}
	if len(args) == 0 && w.piped == 0 {
		w.find("sh.interactive", name)
	}
}

func (w *walker) env(args []word) {
	given, rest, ok := flags(args, "-u -C -S --unset --chdir --split-string")
	for ok && len(rest) > 0 && rest[0].made == written && strings.Contains(rest[0].text, "=") {
		w.variable(rest[0].text)
		rest = rest[1:]
	}
	// PATH=$X is computed, and its name is written.
	if len(rest) > 0 && rest[0].made != written && strings.Contains(rest[0].text, "=") {
		w.variable(rest[0].text)
	}
	for i, f := range given {
		switch {
		case f == "-S" || f == "--split-string":
			if i+1 < len(given) {
				w.line(given[i+1])
			}
		case strings.HasPrefix(f, "-S"), strings.HasPrefix(f, "--split-string="):
			w.opaque("env -S")
		}
	}
	switch {
	case !ok:
		w.opaque("the arguments of env")
	case len(rest) > 0:
		w.program(rest)
	case len(given) == 0:
		w.find("sh.credential-read", "env")
	}
}

func (w *walker) printenv([]word) { w.find("sh.credential-read", "printenv") }

func (w *walker) su(args []word) {
	w.find("sh.privilege", "su")
	for i, a := range args {
		if (a.text == "-c" || a.text == "--command") && i+1 < len(args) {
			w.joined("su", args[i+1:i+2])
			return
		}
		if a.made != written || strings.HasPrefix(a.text, "--command=") || strings.HasPrefix(a.text, "-c") {
			w.opaque("su")
			return
		}
	}
	w.find("sh.interactive", "su")
}

func (w *walker) eval(args []word) {
	w.find("sh.eval", "eval")
	if _, ok := texts(args); !ok && w.piped > 0 {
		w.find("sh.pipe-to-shell", "eval")
	}
	w.joined("eval", args)
}

func (w *walker) trap(args []word) {
	if len(args) > 1 {
		w.joined("trap", args[:1])
	}
}

// finds looks at what find does with what it finds.
func (w *walker) finds(args []word) {
	for i, a := range args {
		switch a.text {
		case "-delete":
			w.find("sh.destructive", "find -delete")
		case "-fprint", "-fprint0", "-fprintf", "-fls":
			w.find("sh.file-write", "find "+a.text)
		case "-exec", "-execdir", "-ok", "-okdir":
			end := slices.IndexFunc(args[i+1:], func(a word) bool { return a.text == ";" || a.text == "+" })
			if end < 0 {
				end = len(args) - i - 1
			}
			w.program(args[i+1 : i+1+end])
			return
		default:
			if strings.HasPrefix(a.text, "-") && !findTests[a.text] {
				w.find("sh.unclassified", "find "+a.text)
			}
		}
	}
}

func (w *walker) watch(args []word) {
	_, rest, ok := flags(args, "-n --interval")
	if !ok {
		w.opaque("the arguments of watch")
		return
	}
	w.joined("watch", rest)
}

// decoder notes what turns a text that nobody can read into another one.
func (w *walker) decoder(args []word) {
	for _, a := range args {
		if a.text == "-d" || a.text == "-D" || a.text == "--decode" || a.text == "-r" || a.made != written || strings.HasPrefix(a.text, "-") && strings.Contains(a.text, "d") {
			w.find("sh.encoded-argument", a.text)
			return
		}
	}
}

func (w *walker) tar(args []word) {
	w.find("sh.file-write", "tar")
	for _, a := range args {
		for _, runs := range []string{"--checkpoint-action", "--to-command", "-I", "--use-compress-program", "--rsh-command", "--info-script", "--new-volume-script", "-F"} {
			if strings.HasPrefix(a.text, runs) || a.made != written {
				w.opaque("tar " + a.text)
				return
			}
		}
	}
}

func (w *walker) sed(args []word) {
	w.find("sh.unclassified", "sed")
	for _, a := range args {
		if strings.HasPrefix(a.text, "-i") || strings.HasPrefix(a.text, "--in-place") || strings.HasPrefix(a.text, "-") && !strings.HasPrefix(a.text, "--") && strings.Contains(a.text, "i") {
			w.find("sh.file-write", "sed "+a.text)
			return
		}
	}
	w.opaque("a script of sed")
}
