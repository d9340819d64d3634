package redact

import (
	"slices"
	"strings"
)

// What a value is, by the last word of its name.
var lastWords = map[string]string{
	"password": "password", "passwd": "password", "passphrase": "password", "passcode": "password",
	"pwd": "password", "pass": "password", "pw": "password", "storepass": "password", "keypass": "password",
	"secret": "secret", "token": "token", "jwt": "token", "bearer": "token",
	"apikey": "API key", "secretkey": "key", "privatekey": "private key", "accesskey": "key", "authkey": "key",
	"accountkey": "key", "sharedaccesskey": "key", "masterkey": "key", "signingkey": "key", "encryptionkey": "key",
	"credential": "credential", "credentials": "credential", "creds": "credential",
	"authorization": "authorization", "cookie": "cookie",
	"otp": "one-time code", "totp": "one-time code", "pin": "PIN", "cvv": "card code", "cvc": "card code",
}

// endings make a secret of a word that ends with them: "pgpassword", "authtoken".
var endings = []string{"password", "passwd", "passphrase", "secret", "token", "apikey"}

// keysOf are the words that make a secret of the word key behind them.
var keysOf = map[string]string{
	"api": "API key", "private": "private key", "access": "key", "secret": "key", "signing": "key", "encryption": "key",
	"master": "key", "account": "key", "shared": "key", "auth": "key", "deploy": "key", "functions": "key",
}

// qualifiers stand behind the word that counts: "password_confirmation".
var qualifiers = []string{"confirm", "confirmation", "repeat", "again", "new", "old", "current", "value", "plain",
	"plaintext", "text", "raw", "base64", "b64", "base", "prod", "production", "staging", "dev", "test", "live", "primary", "secondary"}

// turns are the words that make something else of a token: it tells where a list
// goes on, or is a piece of a text.
var turns = []string{"page", "next", "continuation", "pagination", "sync", "cursor", "start", "end", "prev", "previous", "resume",
	"cancellation", "cancel", "pad", "eos", "bos", "mask", "unk", "sep", "cls", "stop", "special", "first", "last", "input", "output"}

const longestName = 64 // bytes

// nameOf says what the value of a name is, empty if it is no secret: of
// "PGPASSWORD", "db.apiKey" or "X-Auth-Token".
func nameOf(name string) string {
	if len(name) > longestName {
		name = name[len(name)-longestName:]
	}
	if name == "PWD" || name == "OLDPWD" { // where a shell is
		return ""
	}
	words := wordsOf(name)
	for cut := 0; cut < 2 && len(words) > 1; cut++ {
		last := words[len(words)-1]
		if !slices.Contains(qualifiers, last) && strings.Trim(last, "0123456789") != "" {
			break
		}
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return ""
	}
	last, before := strings.TrimRight(words[len(words)-1], "0123456789"), ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	if last == "token" && slices.Contains(turns, before) {
		return ""
	}
	if last == "key" {
		return keysOf[before]
	}
	if what, ok := lastWords[last]; ok {
		return what
	}
	for _, end := range endings {
		if front, ok := strings.CutSuffix(last, end); ok && !slices.Contains(turns, front) {
			return lastWords[end]
		}
	}
	return ""
}

// wordsOf cuts a name at its separators and where capitals begin a word.
func wordsOf(name string) []string {
	var words []string
	start := 0
	cut := func(end int) {
		if start < end {
			words = append(words, strings.ToLower(name[start:end]))
		}
	}
	isUpper := func(i int) bool { return i < len(name) && 'A' <= name[i] && name[i] <= 'Z' }
	isLower := func(i int) bool { return i >= 0 && i < len(name) && 'a' <= name[i] && name[i] <= 'z' }
	for i := range len(name) {
		switch {
		case !isAlnum(name[i]):
			cut(i)
			start = i + 1
		case isUpper(i) && (isLower(i-1) || isLower(i+1) && i > start && isUpper(i-1)):
			cut(i)
			start = i
		}
	}
	cut(len(name))
	return words
}

// placeholders are values that say that there is a secret, or none.
var placeholders = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "nil": true, "none": true,
	"undefined": true, "empty": true, "unset": true, "redacted": true, "hidden": true, "masked": true, "secret": true,
	"required": true, "optional": true, "missing": true, "invalid": true, "expired": true, "inherit": true, "write": true,
	"string": true, "str": true, "bool": true, "boolean": true, "int": true, "number": true, "any": true, "text": true,
	"varchar": true, "bytes": true, "[]byte": true, "object": true, "basic": true, "bearer": true, "password": true, "token": true,
}

// holders are where code has its values from: "process.env.TOKEN".
var holders = []string{"self", "this", "os", "process", "config", "cfg", "conf", "settings", "env", "req", "request", "ctx", "context",
	"args", "opts", "options", "params", "secrets", "vars", "inputs", "github", "var", "local", "module", "data", "import"}

// isReference says that a value stands for a secret and is none: "${DB_PASSWORD}",
// "env:TOKEN", "********", "os.Getenv(…)".
func isReference(value string) bool {
	if value == "" || placeholders[strings.ToLower(value)] || strings.Trim(value, "*") == "" || strings.Trim(value, "xX.-_•?") == "" {
		return true
	}
	for _, prefix := range []string{"env:", "file:/", "op://", "vault:", "arn:", "$(", "sm://", "keychain:", "pass:env:"} {
		if strings.HasPrefix(value, prefix) {
			return true
		}
	}
	for _, around := range [][2]string{{"${", "}"}, {"{{", "}}"}, {"<", ">"}, {"%(", ")s"}, {"[", "]"}} {
		inner, open := strings.CutPrefix(value, around[0])
		inner, shut := strings.CutSuffix(inner, around[1])
		if open && shut && !strings.ContainsAny(inner, "${}<>[]") {
			return true
		}
	}
	if name, ok := strings.CutPrefix(value, "$"); ok && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" {
		return true
	}
	return len(value) == 2 && value[0] == '%'
}

// isCode says that an unquoted value is an expression that a program would
// evaluate, such as getToken() or self.token.
func isCode(value string) bool {
	end := 0
	for end < len(value) && (isAlnum(value[end]) || strings.IndexByte("_.", value[end]) >= 0) {
		end++
	}
	if end == 0 || '0' <= value[0] && value[0] <= '9' {
		return false
	}
	rest := value[end:]
	if holder, _, dotted := strings.Cut(value[:end], "."); dotted && slices.Contains(holders, holder) && (rest == "" || rest[0] == '(' || rest[0] == '[') {
		return true
	}
	return rest != "" && (rest[0] == '(' || rest[0] == '[') && strings.IndexByte(")]", value[len(value)-1]) >= 0
}

// isStrong says that a word looks made up: letters with digits or with signs,
// or long.
func isStrong(word string) bool {
	word = strings.TrimRight(word, ".,;:!?)")
	var letter, digit, sign bool
	for i := range len(word) {
		switch c := word[i]; {
		case '0' <= c && c <= '9':
			digit = true
		case isAlnum(c) || c >= 0x80:
			letter = true
		case strings.IndexByte("!@#$%^&*+=~", c) >= 0:
			sign = true
		}
	}
	return len(word) >= 6 && letter && (digit || sign)
}
