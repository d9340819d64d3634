package shell

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
	"mvdan.cc/sh/v3/syntax"
)

// A walker visits every node of a line and keeps what it finds.
type walker struct {
	understand.Reading
	depth           int  // of lines in lines
	piped           int  // of pipes whose output is read here
	enters, asksGit bool // cd and git, in any order: a loop may turn it round
}

// walk visits a node and all that stands in it.
func (w *walker) walk(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case nil, *syntax.File, *syntax.Stmt, *syntax.Subshell, *syntax.Block, *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause,
			*syntax.Word, *syntax.Lit, *syntax.SglQuoted, *syntax.DblQuoted, *syntax.CaseClause, *syntax.CaseItem, *syntax.Comment:
		case *syntax.BinaryCmd:
			return w.pair(n)
		case *syntax.WordIter: // for PATH in …
			w.sets(n.Name.Value)
		case *syntax.CallExpr:
			w.call(n)
		case *syntax.Redirect:
			w.redirect(n)
		case *syntax.Assign:
			w.assign(n)
		case *syntax.CmdSubst:
			w.find("sh.substitution", "a command gives an argument")
			if n.Backquotes { // what a backslash in them means depends on where they stand
				w.runs("sh.unclassified", "`…`")
			}
		case *syntax.ProcSubst:
			w.runs("sh.substitution", "a command stands for a file")
		case *syntax.FuncDecl:
			name := ""
			if n.Name != nil {
				name = n.Name.Value
			}
			w.runs("sh.defines-function", name)
		case *syntax.ParamExp:
			w.parameter(n)
		case *syntax.ArithmExp:
			w.computes(n)
		case *syntax.BinaryArithm, *syntax.UnaryArithm, *syntax.ParenArithm:
		default:
			w.runs("sh.unclassified", strings.TrimPrefix(fmt.Sprintf("%T", n), "*syntax."))
		}
		return true
	})
}

// pair visits both sides of a pipe, an && or an ||.
func (w *walker) pair(n *syntax.BinaryCmd) bool {
	if n.Op != syntax.Pipe && n.Op != syntax.PipeAll {
		return true
	}
	w.walk(n.X)
	w.piped++
	w.walk(n.Y)
	w.piped--
	return false
}

// computes looks at arithmetic. In bash it evaluates what a variable holds, and
// that may run a command: x='a[$(rm y)]'; echo $((x)).
func (w *walker) computes(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Word:
			if _, err := strconv.Atoi(wordOf(n).text); err != nil || wordOf(n).made != written {
				w.runs("sh.dynamic", "arithmetic with variables")
			}
			return false
		case *syntax.Stmt:
			return false
		}
		return true
	})
}

// parameter looks at ${…}: what only gives a value is known, if no quote in it
// can end elsewhere for another shell.
func (w *walker) parameter(n *syntax.ParamExp) {
	switch {
	case n.Excl || n.Index != nil || n.Slice != nil || n.Repl != nil || n.Names != 0 || n.Width || n.Flags != nil:
		w.runs("sh.dynamic", "${…}")
	case n.Exp == nil:
	case n.Exp.Op == syntax.OtherParamOps: // ${x@P} runs what x holds
		w.opaque("${…@…}")
	case n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull: // ${x:=…}
		w.runs("sh.dynamic", "${…=…}")
		w.sets(n.Param.Value)
	case !slices.Contains(values, n.Exp.Op) || n.Exp.Word != nil && !bare(n.Exp.Word):
		w.runs("sh.dynamic", "${…}")
	}
}

// values are the operators of ${…} that only give a value. It is never written to.
var values = []syntax.ParExpOperator{
	syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.ErrorUnset, syntax.ErrorUnsetOrNull,
	syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix,
}

// bare reports whether the word has no quotes and nothing that is expanded.
func bare(w *syntax.Word) bool {
	return !slices.ContainsFunc(w.Parts, func(p syntax.WordPart) bool {
		lit, ok := p.(*syntax.Lit)
		return !ok || strings.Contains(lit.Value, `\`)
	})
}

func (w *walker) call(n *syntax.CallExpr) {
	var args []word
	for _, a := range n.Args {
		args = append(args, wordOf(a))
	}
	if len(args) == 0 {
		return
	}
	for _, a := range n.Assigns {
		if !strings.HasPrefix(a.Name.Value, "LC_") && a.Name.Value != "LANG" && a.Name.Value != "TZ" && !hijacks(a.Name.Value) {
			w.runs("sh.unclassified", a.Name.Value+"=")
		}
	}
	w.program(args)
}

// hijackers are variables that decide which code runs, or where data goes; some
// of bash run what they are given as arithmetic. It is never written to.
var hijackers = words(`all_proxy auto_resume ftp_proxy histchars http_proxy https_proxy no_proxy path
	BASHOPTS BASH_ENV BASH_FUNC CDPATH EDITOR ENV GCONV_PATH HISTCMD HOME IFS JAVA_TOOL_OPTIONS LESSCLOSE LESSOPEN MAKEFLAGS MANPAGER
	LINENO NODE_OPTIONS NODE_PATH OPTIND PAGER PATH PERL5DB PERL5LIB PERL5OPT PROMPT_COMMAND PS0 PS1 PS2 PS4 PYTHONHOME PYTHONPATH PYTHONSTARTUP RANDOM RUBYLIB RUBYOPT SECONDS
	SHELL SHELLOPTS TMPDIR VISUAL XDG_CONFIG_HOME`)

func hijacks(name string) bool {
	return hijackers[name] || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_") || strings.HasPrefix(name, "GIT_") ||
		strings.HasPrefix(name, "BASH_FUNC_") || strings.HasPrefix(name, "npm_config_")
}

// harmless are the names of variables of which no shell makes anything, and
// those of the locale.
var harmless = regexp.MustCompile(`^([a-z][a-z0-9_]*|LANG|LC_[A-Z]+|TZ)$`)

// sets notes that a variable gets a value.
func (w *walker) sets(name string) {
	switch {
	case hijacks(name):
		w.runs("sh.env-hijack", name)
	case !harmless.MatchString(name):
		w.runs("sh.unclassified", name+"=")
	}
}

func (w *walker) assign(n *syntax.Assign) {
	if n.Name != nil {
		w.sets(n.Name.Value)
	}
	if n.Append || n.Index != nil || n.Array != nil {
		w.runs("sh.unclassified", "an array or +=")
	}
}

// redirect looks at where output goes and input comes from.
func (w *walker) redirect(n *syntax.Redirect) {
	if n.N != nil && !slices.Contains([]string{"0", "1", "2"}, n.N.Value) { // {PATH}> assigns
		w.runs("sh.unclassified", n.N.Value+n.Op.String())
	}
	to := wordOf(n.Word)
	if n.Op == syntax.Hdoc || n.Op == syntax.DashHdoc {
		w.document(n)
		return
	}
	w.names(to)
	if to.made != written {
		w.runs("sh.dynamic", "where a redirection leads")
	}
	socket := strings.HasPrefix(to.text, "/dev/tcp/") || strings.HasPrefix(to.text, "/dev/udp/")
	if socket {
		w.runs("sh.network", to.text)
		w.Export(to.text)
	}
	nothing := []string{"/dev/null", "/dev/stdout", "/dev/stderr"}
	switch n.Op {
	case syntax.RdrIn, syntax.WordHdoc:
		return
	case syntax.DplIn, syntax.DplOut: // any other number may lead to a file or another machine
		nothing = []string{"0", "1", "2", "-"}
	}
	if !socket && (to.made != written || !slices.Contains(nothing, to.text)) {
		w.runs("sh.file-write", to.text)
	}
}

// delimiter is what ends a document that every shell ends at the same place.
var delimiter = regexp.MustCompile(`^\w+$`)

// document looks at a <<document. Where a backslash joins lines, shells and the
// parser may disagree about where it ends.
func (w *walker) document(n *syntax.Redirect) {
	quoted := len(n.Word.Parts) == 1
	if quoted {
		_, quoted = n.Word.Parts[0].(*syntax.SglQuoted)
	}
	end := wordOf(n.Word)
	ok := len(n.Word.Parts) == 1 && (quoted || bare(n.Word)) && delimiter.MatchString(end.text)
	if n.Hdoc != nil && !quoted {
		for _, part := range n.Hdoc.Parts {
			lit, is := part.(*syntax.Lit)
			ok = ok && !(is && strings.Contains(lit.Value, `\`))
		}
	}
	if !ok {
		w.runs("sh.unclassified", "<<"+end.text)
	}
}

// secretFiles are parts of the names of files with secrets in them. It is never
// written to.
var secretFiles = []string{
	"/etc/shadow", "/etc/gshadow", "/etc/sudoers", ".ssh/", "id_rsa", "id_ed25519", "id_ecdsa", ".aws/", ".kube/", ".gnupg/", ".netrc", ".pgpass", ".my.cnf",
	".docker/config.json", ".git-credentials", ".npmrc", ".pypirc", "/environ", ".env", ".pem", ".key", ".vault-token", "admin.sock",
}

// names notes a file in which secrets are usually kept.
func (w *walker) names(a word) {
	for _, part := range secretFiles {
		if strings.Contains(a.text, part) {
			w.find("sh.credential-read", a.text)
			return
		}
	}
}

// open is a pattern of names that stands for no file with secrets unless it says
// so: in folders that are not hidden, with an ending.
var open = regexp.MustCompile(`^(~?/)?(\.{1,2}/)*([\w-][\w.-]*/)*[\w-]*\*[\w.-]*\.\w+$`)

// hides notes a pattern of names in which such a file may be hidden.
func (w *walker) hides(a word) {
	if a.made == matched && !open.MatchString(a.text) {
		w.Find("sh.credential-read", a.text, countersign.Possible)
	}
}

// words are the words of a list.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}
