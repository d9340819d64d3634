package redact

import (
	"path"
	"slices"
	"strings"
)

// A word is one of a command line: what it says, without the quotes around it,
// and where that stands.
type word struct {
	text       string
	start, end int
}

// flags finds what command lines give as secrets.
func (f *finder) flags() { f.script(f.in, 0, 0) }

// script looks through the commands of a text that stands at an offset, and of
// what they quote: sh -c "…".
func (f *finder) script(s string, offset, depth int) {
	const deepest = 3
	if strings.IndexByte(s, ' ') < 0 || depth > deepest {
		return
	}
	var before []word
	for _, line := range commandLines(s) {
		for i, w := range line {
			if inner := w.text; strings.IndexByte(inner, ' ') >= 0 {
				f.script(unquoted(s, w), offset+w.start, depth+1)
			}
			line[i].start, line[i].end = offset+w.start, offset+w.end
		}
		f.commandLine(line, before)
		before = line
	}
}

// unquoted is the text of a word. Of one that is quoted in part only, such as
// prose between two apostrophes, the quotes are blanks.
func unquoted(s string, w word) string {
	if w.start > 0 && isQuote(s[w.start-1]) {
		return w.text
	}
	return blanks.Replace(w.text)
}

// blanks is never written to.
var blanks = strings.NewReplacer("'", " ", `"`, " ", "`", " ")

// commandLines cuts a text into the words of simple commands, as a shell would
// but for what it expands.
func commandLines(s string) [][]word {
	var lines [][]word
	var line []word
	flush := func() {
		if len(line) > 0 {
			lines, line = append(lines, line), nil
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\n' || strings.IndexByte(";|&()", c) >= 0:
			flush()
			i++
		case c == '\\' && i+1 < len(s) && s[i+1] == '\n':
			i += 2
		case c <= ' ':
			i++
		default:
			w, after := shellWord(s, i)
			i = max(after, i+1)
			line = append(line, w)
		}
	}
	flush()
	return lines
}

// shellWord is the word that begins at i, and where it ends. Quotes around all
// of it are not in it.
func shellWord(s string, i int) (w word, after int) {
	end := i
	for end < len(s) && s[end] > ' ' && strings.IndexByte(";|&()", s[end]) < 0 {
		switch {
		case s[end] == '\\' && end+1 < len(s):
			end += 2
		case isQuote(s[end]):
			open, shut, behind, _ := quotedAt(s, end)
			inWord := s[end] == '\'' && end > i && strings.Trim(s[i:end], base62) == ""
			if inWord || behind == len(s) && s[behind-1] != s[end] {
				behind = end + 1 // an apostrophe
			} else if end == i && (behind == len(s) || s[behind] <= ' ' || strings.IndexByte(";|&()", s[behind]) >= 0) {
				return word{s[open:shut], open, shut}, behind
			}
			end = behind
		default:
			end++
		}
	}
	end = min(end, len(s))
	return word{s[i:end], i, end}, end
}

// asks are flags that say where a secret comes from, or whether there is one.
var asks = []string{"no", "ask", "with", "use", "prompt", "skip", "generate", "require", "reset", "show", "print", "get", "create", "force"}

// commandLine finds the secrets of one command; before is the one that is piped
// into it, if one is.
func (f *finder) commandLine(line, before []word) {
	said := map[string]bool{}
	for _, w := range line {
		said[w.text] = true
	}
	program := ""
	for i, w := range line {
		if name := path.Base(w.text); slices.Contains(programs, name) {
			program = name
		}
		next := word{}
		if i+1 < len(line) {
			next = line[i+1]
		}
		switch {
		case w.text == "--from-literal":
			f.after(next, "=", 0, "secret")
		case strings.HasPrefix(w.text, "--from-literal="):
			f.after(w, "=", 1, "secret")
		case w.text == "-passin" || w.text == "-passout" || w.text == "-pass":
			f.after(next, "pass:", 0, "password")
		case w.text == "--user" || w.text == "--proxy-user" || program == "curl" && (w.text == "-u" || w.text == "-U") || (program == "http" || program == "https") && w.text == "-a":
			f.after(next, ":", 0, "password")
		case program == "smbclient" && w.text == "-U":
			f.after(next, "%", 0, "password")
		case takesSecret(program, w.text, said):
			f.whole(next, "password")
		case joinsSecret(program, w.text):
			f.bare(w.start+2, w.end, w.text[2:], "password")
		case w.text == "set" && next.text != "" && nameOf(next.text) != "" && i+2 < len(line), program == "setx" && nameOf(w.text) != "":
			named, value := next, i+2
			if program == "setx" {
				named, value = w, i+1
			}
			if value < len(line) {
				f.whole(line[value], nameOf(named.text))
			}
		case strings.HasPrefix(w.text, "-") && strings.IndexByte(w.text, '=') < 0:
			if what := flagOf(w.text); what != "" && !strings.HasPrefix(next.text, "-") && !strings.HasPrefix(next.text, "id=") {
				f.whole(next, what)
			}
		}
	}
	if len(line) > 0 && len(before) > 1 && readsSecret(path.Base(line[0].text), said) {
		if printer := before[0].text; printer == "echo" || printer == "printf" {
			f.piped(before[len(before)-1], path.Base(line[0].text))
		}
	}
}

// programs are those whose short flags are known.
var programs = []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlsh", "mariadb", "mariadb-dump", "mariadb-admin", "sshpass",
	"redis-cli", "docker", "podman", "helm", "skopeo", "buildah", "curl", "http", "https", "ldapsearch", "ldapmodify", "ldapadd", "ldapdelete",
	"ldappasswd", "ldapwhoami", "mongo", "mongosh", "mongodump", "mongorestore", "sqlcmd", "bcp", "zip", "unzip", "7z", "7za", "7zz", "smbclient",
	"az", "setx", "gh", "rar", "unrar"}

// takesSecret says whether the word behind a flag of the program is a password.
func takesSecret(program, flag string, said map[string]bool) bool {
	switch flag {
	case "-p":
		return program == "sshpass" || strings.HasPrefix(program, "mongo") || said["login"] && slices.Contains([]string{"docker", "podman", "helm", "az", "skopeo", "buildah"}, program)
	case "-a":
		return program == "redis-cli"
	case "-w":
		return strings.HasPrefix(program, "ldap")
	case "-P":
		return program == "sqlcmd" || program == "bcp" || program == "zip" || program == "unzip"
	case "--body", "-b":
		return program == "gh" && said["secret"]
	}
	return false
}

// joinsSecret says whether the rest of the word behind -p is a password.
func joinsSecret(program, w string) bool {
	if len(w) < 3 || !strings.HasPrefix(w, "-p") || strings.HasPrefix(w, "-p=") || w == "-port" {
		return false
	}
	switch {
	case strings.HasPrefix(program, "mysql") || strings.HasPrefix(program, "mariadb"):
		return true
	}
	return slices.Contains([]string{"sshpass", "7z", "7za", "7zz", "rar", "unrar"}, program)
}

// flagOf says what the word behind a long flag is, empty if it is no secret.
func flagOf(flag string) string {
	name := strings.TrimLeft(flag, "-")
	if len(name) < 4 {
		return ""
	}
	what := nameOf(name)
	if what == "" || slices.Contains(asks, wordsOf(name)[0]) {
		return ""
	}
	return what
}

// readsSecret says whether a program reads a password from its input.
func readsSecret(program string, said map[string]bool) bool {
	return program == "chpasswd" || said["--password-stdin"] || program == "passwd" && said["--stdin"] || program == "sudo" && said["-S"] ||
		program == "cryptsetup" || program == "gh" && said["secret"]
}

func (f *finder) piped(w word, program string) {
	if program == "chpasswd" {
		f.after(w, ":", 0, "password")
		return
	}
	f.whole(w, "password")
}

func (f *finder) whole(w word, what string) {
	if !isReference(w.text) && !isCode(w.text) {
		f.add(w.start, w.end, what)
	}
}

// after takes what stands in a word behind the mark, having passed it so many
// times before.
func (f *finder) after(w word, mark string, passed int, what string) {
	at := 0
	for range passed + 1 {
		n := strings.Index(w.text[at:], mark)
		if n < 0 {
			return
		}
		at += n + len(mark)
	}
	f.bare(w.start+at, w.end, w.text[at:], what)
}

// bare takes a value that may stand between quotes.
func (f *finder) bare(start, end int, value, what string) {
	if n := len(value); n > 1 && isQuote(value[0]) && value[n-1] == value[0] {
		start, end, value = start+1, end-1, value[1:n-1]
	}
	if !isReference(value) {
		f.add(start, end, what)
	}
}
