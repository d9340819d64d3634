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
	"echo": anyFlag, "true": anyFlag, "false": anyFlag, ":": anyFlag, "pwd": anyFlag, "cd": anyFlag, "basename": anyFlag,
	"dirname": anyFlag, "readlink": anyFlag, "realpath": anyFlag, "stat": anyFlag, "du": anyFlag, "df": anyFlag, "whoami": anyFlag, "id": anyFlag,
	"groups": anyFlag, "uname": anyFlag, "nl": anyFlag, "tac": anyFlag, "cut": anyFlag, "paste": anyFlag, "tr": anyFlag, "rev": anyFlag, "fold": anyFlag,
	"expand": anyFlag, "unexpand": anyFlag, "comm": anyFlag, "join": anyFlag, "diff": anyFlag, "cmp": anyFlag, "cksum": anyFlag, "md5sum": anyFlag,
	"sha1sum": anyFlag, "sha224sum": anyFlag, "sha256sum": anyFlag, "sha384sum": anyFlag, "sha512sum": anyFlag, "b2sum": anyFlag, "seq": anyFlag, "sleep": anyFlag,
	"which": anyFlag, "type": anyFlag, "exit": "", "return": "", "break": "", "continue": "", "shift": "", "wait": "", "zcat": "f", "zgrep": "EFGHchilnoqsvwxABC",
	"od": anyFlag, "hexdump": anyFlag, "strings": "afnostw", "ps": "", "uptime": anyFlag, "free": anyFlag, "nproc": anyFlag, "column": anyFlag,
	"jq":   "ceraSsnRCMj compact-output raw-output raw-input slurp null-input sort-keys exit-status join-output tab indent arg argjson args jsonargs",
	"date": "", "tree": "adfilpsughDFLPIrtvUnCN", "file": "bhiLkNr0 brief mime-type mime mime-encoding",
	"sort": "bdfghiMnRrVcCmsuzkt key field-separator numeric-sort reverse unique human-numeric-sort version-sort ignore-case", "uniq": "cdDiufsw count repeated unique",
	"base64": "wi wrap", "printf": "", "read": "rs", "test": "", "[": "", "find": "", "sed": "nEr regexp-extended quiet silent",
	"git": "",
}

// particular are readers whose operands do more than name what is read, so that
// names of files may not take their place. It is never written to.
var particular = words("break continue date exit jq printf read return sed shift test uniq wait [")

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

// tests are what test and [ look at, of files and texts. It is never written to.
var tests = words("-d -e -f -g -h -k -n -p -r -s -t -u -w -x -z -L -O -G -S -nt -ot -ef")

// format is a text of printf that only prints.
var format = regexp.MustCompile(`^([^%]|%%|%[-+ #0-9.*]*[sdiouxXeEfFgGcbq])*$`)

// dateFlags are flags of date with which it only tells the time.
var dateFlags = regexp.MustCompile(`^(-[uR]+|-I[a-z]*|--(utc|universal|rfc-email|iso-8601)|--(iso-8601|rfc-3339|date|reference)=.*)$`)

// asksMore is a script of jq that may give more than its input.
var asksMore = regexp.MustCompile(`(?i)env|include|import`)

// sedReads is a script of sed that only prints: lines, and replacements without
// the flags that write or run.
var sedReads = regexp.MustCompile(`^([0-9]+|\$)?(,([0-9]+|\$))?(p|d|q|s/([^/\\\n;{}]|\\[^\n])*/([^/\\\n;{}]|\\[^\n])*/[gIip0-9]*)$`)

// reader reports whether the program only reads, with these arguments.
func (w *walker) reader(name string, args []word) bool {
	flags, ok := readers[name]
	if !ok {
		return false
	}
	// Where an argument may turn out to be a flag, or several, only what does
	// nothing with them is still known to read.
	for _, a := range args {
		plain := a.made == written || a.made == matched && !particular[name] && !strings.ContainsAny(a.text[:min(1, len(a.text))], "*?[")
		if !plain && name != "echo" && name != ":" {
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
	case "date":
		return dateReads(list)
	case "test", "[":
		return !slices.ContainsFunc(list, func(a string) bool { return strings.HasPrefix(a, "-") && !tests[a] })
	case "printf": // %n assigns
		return len(list) == 0 || !strings.HasPrefix(list[0], "-") && format.MatchString(list[0])
	case "exit", "return", "break", "continue", "shift":
		return len(list) == 0 || len(list) == 1 && strings.Trim(list[0], "0123456789") == ""
	case "wait":
		return len(list) == 0
	case "ps": // some of its letters show what other programs have in their environment
		return !slices.ContainsFunc(list, func(a string) bool { return !slices.Contains([]string{"aux", "ax", "-ef", "-e", "-A"}, a) })
	case "jq": // what it includes may ask for the environment too
		return allowed(list, flags) && !asksMore.MatchString(strings.Join(list, " "))
	case "uniq": // a second operand is written to
		return allowed(list, flags) && operands(list) <= 1
	case "read":
		return allowed(list, flags) && !slices.ContainsFunc(list, func(a string) bool { return !strings.HasPrefix(a, "-") && (!harmless.MatchString(a) || hijacks(a)) })
	}
	return flags == anyFlag || allowed(list, flags)
}

// operands counts the arguments that are no flags.
func operands(args []string) (n int) {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") || a == "-" {
			n++
		}
	}
	return n
}

// dateReads reports whether date only tells the time. An operand without + sets it.
func dateReads(args []string) bool {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-d" || a == "--date" || a == "-r" || a == "--reference":
			i++ // its value
		case !strings.HasPrefix(a, "+") && !dateFlags.MatchString(a):
			return false
		}
	}
	return true
}

// allowed reports whether all flags are in the list. What follows -- is looked at
// too: not every program ends its flags there.
func allowed(args []string, flags string) bool {
	list := strings.Fields(flags)
	letters, long := "", map[string]bool{}
	if len(list) > 0 {
		letters, long = list[0], words(flags)
	}
	for _, a := range args {
		switch {
		case a == "--" || a == "-" || !strings.HasPrefix(a, "-"):
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
		if strings.HasPrefix(a, "-") && a != "--" && !gitFlags.MatchString(a) {
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
