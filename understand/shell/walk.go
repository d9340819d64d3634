package shell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign/understand"
	"mvdan.cc/sh/v3/syntax"
)

// A walker visits every node of a line and keeps what it finds.
type walker struct {
	understand.Reading
	depth int // of lines in lines
	piped int // of pipes whose output is read here
}

// walk visits a node and all that stands in it.
func (w *walker) walk(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case nil, *syntax.File, *syntax.Stmt, *syntax.Subshell, *syntax.Block, *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause,
			*syntax.Word, *syntax.Lit, *syntax.SglQuoted, *syntax.DblQuoted, *syntax.CaseClause, *syntax.CaseItem,
			*syntax.ParenTest, *syntax.ArrayExpr, *syntax.TimeClause, *syntax.Comment, *syntax.ExtGlob, *syntax.BraceExp, *syntax.TestClause:
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
		case *syntax.ProcSubst:
			w.find("sh.substitution", "a command stands for a file")
		case *syntax.FuncDecl:
			w.runs("sh.defines-function", n.Name.Value)
		case *syntax.ParamExp:
			w.parameter(n)
		case *syntax.CoprocClause:
			w.Does(executes)
		case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop, *syntax.ArrayElem:
			w.computes(n)
		case *syntax.BinaryArithm, *syntax.UnaryArithm, *syntax.ParenArithm:
		case *syntax.BinaryTest:
			if slices.Contains([]syntax.BinTestOperator{syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr}, n.Op) {
				w.computes(n)
			}
		case *syntax.UnaryTest:
			if n.Op == syntax.TsVarSet || n.Op == syntax.TsRefVar {
				w.computes(n)
			}
		case *syntax.DeclClause:
			w.runs("sh.unclassified", n.Variant.Value)
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

func (w *walker) parameter(n *syntax.ParamExp) {
	switch {
	case n.Exp != nil && n.Exp.Op == syntax.OtherParamOps: // ${x@P} runs what x holds
		w.opaque("${…@…}")
	case n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull): // ${x:=…}
		w.Does(executes)
		w.sets(n.Param.Value)
	case n.Excl:
		w.runs("sh.dynamic", "${!…}")
	case n.Index != nil:
		w.computes(n.Index)
	case n.Slice != nil:
		w.Does(executes)
	}
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

// hijackers are variables that decide which code runs. It is never written to.
var hijackers = words(`BASHOPTS BASH_ENV BASH_FUNC CDPATH EDITOR ENV GCONV_PATH HOME IFS JAVA_TOOL_OPTIONS LESSCLOSE LESSOPEN MAKEFLAGS MANPAGER
	NODE_OPTIONS NODE_PATH PAGER PATH PERL5DB PERL5LIB PERL5OPT PROMPT_COMMAND PS0 PS1 PS2 PS4 PYTHONHOME PYTHONPATH PYTHONSTARTUP RUBYLIB RUBYOPT SHELL
	SHELLOPTS TMPDIR VISUAL XDG_CONFIG_HOME`)

func hijacks(name string) bool {
	return hijackers[name] || strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_") || strings.HasPrefix(name, "GIT_") ||
		strings.HasPrefix(name, "BASH_FUNC_") || strings.HasPrefix(name, "npm_config_")
}

// sets notes that a variable gets a value.
func (w *walker) sets(name string) {
	if hijacks(name) {
		w.runs("sh.env-hijack", name)
	}
}

func (w *walker) assign(n *syntax.Assign) {
	if n.Name != nil {
		w.sets(n.Name.Value)
	}
	if n.Index != nil {
		w.computes(n.Index)
	}
}

// redirect looks at where output goes and input comes from.
func (w *walker) redirect(n *syntax.Redirect) {
	if n.Word == nil {
		return
	}
	to := wordOf(n.Word)
	socket := strings.HasPrefix(to.text, "/dev/tcp/") || strings.HasPrefix(to.text, "/dev/udp/")
	if socket {
		w.runs("sh.network", to.text)
		w.leaves(to.text)
	}
	switch n.Op {
	case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
	case syntax.RdrIn:
		w.names(to)
	case syntax.DplIn, syntax.DplOut:
		if _, err := strconv.Atoi(strings.TrimSuffix(to.text, "-")); err != nil && to.text != "-" || to.made != written {
			w.runs("sh.file-write", to.text)
		}
	default:
		harmless := to.made == written && slices.Contains([]string{"/dev/null", "/dev/stdout", "/dev/stderr"}, to.text)
		if !harmless && !socket {
			w.runs("sh.file-write", to.text)
		}
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

// words are the words of a list.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}
