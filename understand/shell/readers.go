package shell

import (
	"regexp"
	"slices"
	"strings"
)

// anyFlag stands for all flags: the program has none with which it does more
// than read.
const anyFlag = "*"

// readers are the programs that only read with these flags: single letters, and
// words for long ones. It is never written to.
var readers = map[string]string{
	"ls": anyFlag, "cat": anyFlag, "head": anyFlag, "tail": anyFlag, "wc": anyFlag, "grep": anyFlag, "egrep": anyFlag, "fgrep": anyFlag,
	"zcat": anyFlag, "zgrep": anyFlag, "echo": anyFlag, "true": anyFlag, "false": anyFlag, ":": anyFlag, "pwd": anyFlag, "cd": anyFlag, "basename": anyFlag,
	"dirname": anyFlag, "readlink": anyFlag, "realpath": anyFlag, "stat": anyFlag, "du": anyFlag, "df": anyFlag, "whoami": anyFlag, "id": anyFlag,
	"groups": anyFlag, "uname": anyFlag, "nl": anyFlag, "tac": anyFlag, "cut": anyFlag, "paste": anyFlag, "tr": anyFlag, "rev": anyFlag, "fold": anyFlag,
	"expand": anyFlag, "unexpand": anyFlag, "comm": anyFlag, "join": anyFlag, "diff": anyFlag, "cmp": anyFlag, "cksum": anyFlag, "md5sum": anyFlag,
	"sha1sum": anyFlag, "sha224sum": anyFlag, "sha256sum": anyFlag, "sha384sum": anyFlag, "sha512sum": anyFlag, "b2sum": anyFlag, "seq": anyFlag, "sleep": anyFlag,
	"which": anyFlag, "type": anyFlag, "exit": anyFlag, "return": anyFlag, "break": anyFlag, "continue": anyFlag, "shift": anyFlag, "wait": anyFlag,
	"od": anyFlag, "hexdump": anyFlag, "strings": anyFlag, "ps": "", "uptime": anyFlag, "free": anyFlag, "nproc": anyFlag, "column": anyFlag,
	"jq":   "ceraSsnRCMj compact-output raw-output raw-input slurp null-input sort-keys exit-status join-output tab indent arg argjson args jsonargs",
	"date": "uIRd utc iso-8601 rfc-3339 date reference r", "tree": "adfilpsughDFLPIrtvUnCN", "file": "bhiLkNprsz0 brief mime-type mime mime-encoding",
	"sort": "bdfghiMnRrVcCmsuzkt key field-separator numeric-sort reverse unique human-numeric-sort version-sort ignore-case", "uniq": "cdDiufsw count repeated unique",
	"base64": "wi wrap", "printf": "", "read": "rs", "test": "defghkLnOGprsStuwxz", "[": "defghkLnOGprsStuwxz", "find": "", "sed": "nEr regexp-extended quiet silent",
	"git": "", "exec": "",
}

// findTests are what find looks at. It is never written to.
var findTests = words(`-name -iname -type -size -mtime -mmin -maxdepth -mindepth -path -ipath -wholename -not -o -a -and -or -newer -empty -print -print0 -ls
	-prune -user -group -perm -regex -iregex -regextype -L -H -P -atime -amin -ctime -cmin -links -readable -writable -executable -samefile -inum
	-nouser -nogroup -printf -xdev -mount -daystart -depth -true -false -quit -lname -ilname -xtype -newermt`)

// gitReads are commands of git that only read, with any of gitFlags. It is never
// written to.
var (
	gitReads = words(`status log diff show rev-parse ls-files blame describe shortlog rev-list ls-tree cat-file merge-base name-rev`)
	gitFlags = regexp.MustCompile(`^(--(oneline|stat|shortstat|numstat|name-only|name-status|short|porcelain(=v?[12])?|graph|all|decorate|cached|staged|no-pager|` +
		`no-color|branch|tags|always|abbrev-ref|abbrev-commit|show-toplevel|is-inside-work-tree|reverse|no-merges|merges|first-parent|patch|` +
		`(since|until|after|before|author|committer|grep|format|pretty|date|max-count|diff-filter|skip|word-diff)=.*)|-[0-9]+|-[psnMCwzbtSGL]|-n[0-9]*|-U[0-9]+)$`)
)

// sedReads is a script of sed that only prints: lines, and replacements without
// the flags that write or run.
var sedReads = regexp.MustCompile(`^([0-9]+|\$)?(,([0-9]+|\$))?(p|d|q|s/([^/\\\n;{}]|\\[^\n])*/([^/\\\n;{}]|\\[^\n])*/[gIip0-9]*)$`)

// reader reports whether the program only reads, with these arguments.
func (w *walker) reader(name string, args []word) bool {
	flags, ok := readers[name]
	if !ok {
		return false
	}
	// Where an argument may turn out to be a flag, only what does nothing with
	// flags is still known to read.
	for i, a := range args {
		hidden := a.made == computed || a.made == matched && strings.ContainsAny(a.text[:min(1, len(a.text))], "*?[")
		if hidden && name != "echo" && !(name == ":" || i > 0 && args[i-1].text == "--") {
			return false
		}
	}
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = a.text
	}
	switch name {
	case "find":
		return findReads(list)
	case "git":
		return gitOnlyReads(list)
	case "sed":
		return sedOnlyReads(list)
	case "exec":
		return len(list) == 0
	case "printf":
		return len(list) == 0 || !strings.HasPrefix(list[0], "-")
	case "ps": // some of its letters show what other programs have in their environment
		return !slices.ContainsFunc(list, func(a string) bool { return !slices.Contains([]string{"aux", "ax", "-ef", "-e", "-A"}, a) })
	case "jq":
		return allowed(list, flags) && !strings.Contains(strings.ToLower(strings.Join(list, " ")), "env")
	case "uniq":
		return allowed(list, flags) && operands(list) <= 1
	case "read":
		return allowed(list, flags) && !strings.Contains(strings.Join(list, " "), "[") && !slices.ContainsFunc(list, hijacks)
	}
	return flags == anyFlag || allowed(list, flags)
}

// operands counts the arguments that are no flags.
func operands(args []string) (n int) {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			n++
		}
	}
	return n
}

// allowed reports whether all flags are in the list.
func allowed(args []string, flags string) bool {
	list := strings.Fields(flags)
	letters, long := "", map[string]bool{}
	if len(list) > 0 {
		letters, long = list[0], words(flags)
	}
	for _, a := range args {
		switch {
		case a == "--":
			return true
		case a == "-" || !strings.HasPrefix(a, "-"):
		case strings.HasPrefix(a, "--"):
			name, _, _ := strings.Cut(a[2:], "=")
			if !long[name] {
				return false
			}
		default:
			if strings.Trim(a[1:], letters+"0123456789") != "" {
				return false
			}
		}
	}
	return true
}

func findReads(args []string) bool {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" && !findTests[a] && strings.Trim(a[1:], "0123456789kMGcbw") != "" {
			return false
		}
	}
	return true
}

func gitOnlyReads(args []string) bool {
	for len(args) > 0 && args[0] == "--no-pager" {
		args = args[1:]
	}
	if len(args) == 0 || !gitReads[args[0]] {
		return false
	}
	for _, a := range args[1:] {
		if a == "--" {
			return true
		}
		if strings.HasPrefix(a, "-") && !gitFlags.MatchString(a) {
			return false
		}
	}
	return true
}

func sedOnlyReads(args []string) bool {
	script := false
	for _, a := range args {
		switch {
		case a == "-n" || a == "-E" || a == "-r":
		case strings.HasPrefix(a, "-"):
			return false
		case !script:
			script = true
			if !sedReads.MatchString(a) {
				return false
			}
		}
	}
	return script
}
