package redact

import (
	"hash/crc32"
	"math/big"
	"strings"
)

// A shape is what the tokens of one maker look like: a prefix and so many
// characters of an alphabet.
type shape struct {
	prefix   string
	alphabet string
	// least and most are how many characters follow the prefix; most is 0 if
	// there may be any number more.
	least, most int
	what        string
	// sum says how the last characters follow from the others, where the maker
	// tells.
	sum checksum
}

type checksum int

const (
	noSum     checksum = iota
	bodySum            // CRC-32 of what stands between prefix and checksum, base 62 with capitals first, in six digits
	prefixSum          // CRC-32 of all that stands before it, base 62 with capitals last
	mixed              // no checksum, but letters and digits are both there
)

const (
	digits10 = "0123456789"
	lower    = "abcdefghijklmnopqrstuvwxyz"
	upper    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	hexadec  = digits10 + "abcdef"
	base32   = upper + "234567"
	base62   = digits10 + lower + upper
	base64   = base62 + "_-"
	dotted   = base64 + "."
)

// all are the shapes, each as its maker publishes it. It is never written to.
var all = []shape{
	{"cs_agt_", base62, 49, 49, "Countersign token", prefixSum},
	{"ghp_", base62, 36, 36, "GitHub token", bodySum},
	{"gho_", base62, 36, 36, "GitHub token", bodySum},
	{"ghu_", base62, 36, 36, "GitHub token", bodySum},
	{"ghs_", base62, 36, 36, "GitHub token", bodySum},
	{"ghr_", base62, 36, 0, "GitHub token", noSum},
	{"github_pat_", base62 + "_", 40, 0, "GitHub token", noSum},
	{"glpat-", dotted, 20, 0, "GitLab token", noSum},
	{"gldt-", dotted, 20, 0, "GitLab token", noSum},
	{"glrt-", dotted, 20, 0, "GitLab token", noSum},
	{"glptt-", dotted, 20, 0, "GitLab token", noSum},
	{"glcbt-", dotted, 20, 0, "GitLab token", noSum},
	{"AKIA", base32, 16, 16, "AWS access key id", noSum},
	{"ASIA", base32, 16, 16, "AWS access key id", noSum},
	{"xoxb-", base64, 20, 0, "Slack token", noSum},
	{"xoxp-", base64, 20, 0, "Slack token", noSum},
	{"xoxa-", base64, 20, 0, "Slack token", noSum},
	{"xoxr-", base64, 20, 0, "Slack token", noSum},
	{"xoxs-", base64, 20, 0, "Slack token", noSum},
	{"xoxe.", dotted, 20, 0, "Slack token", noSum},
	{"xapp-", base64, 20, 0, "Slack token", noSum},
	{"hooks.slack.com/services/", base62 + "/", 20, 0, "Slack webhook", noSum},
	{"sk_live_", base62, 10, 0, "Stripe key", noSum},
	{"sk_test_", base62, 10, 0, "Stripe key", noSum},
	{"rk_live_", base62, 10, 0, "Stripe key", noSum},
	{"rk_test_", base62, 10, 0, "Stripe key", noSum},
	{"whsec_", base62 + "+/=", 20, 0, "webhook secret", noSum},
	{"AIza", base64, 35, 35, "Google API key", noSum},
	{"GOCSPX-", base64, 28, 28, "Google client secret", noSum},
	{"ya29.", dotted, 20, 0, "Google token", noSum},
	{"npm_", base62, 36, 36, "npm token", bodySum},
	{"pypi-AgE", base64, 50, 0, "PyPI token", noSum},
	{"sk-ant-", base64, 20, 0, "Anthropic key", noSum},
	{"sk-proj-", base64, 20, 0, "OpenAI key", noSum},
	{"sk-", base64, 20, 0, "API key", mixed},
	{"hf_", base62, 30, 0, "Hugging Face token", noSum},
	{"SG.", dotted, 60, 0, "SendGrid key", noSum},
	{"SK", hexadec, 32, 32, "Twilio key", noSum},
	{"key-", hexadec, 32, 32, "Mailgun key", noSum},
	{"dop_v1_", hexadec, 64, 64, "DigitalOcean token", noSum},
	{"shpat_", hexadec, 32, 32, "Shopify token", noSum},
	{"dapi", hexadec, 32, 32, "Databricks token", noSum},
	{"hvs.", base64, 24, 0, "Vault token", noSum},
	{"dckr_pat_", base64, 20, 0, "Docker token", noSum},
	{"ATATT3x", base64 + "=", 20, 0, "Atlassian token", noSum},
	{"glsa_", base62 + "_", 30, 0, "Grafana token", noSum},
	{"rubygems_", hexadec, 48, 48, "RubyGems key", noSum},
	{"tskey-", base64, 20, 0, "Tailscale key", noSum},
	{"lin_api_", base62, 30, 0, "Linear key", noSum},
	{"AGE-SECRET-KEY-1", digits10 + upper, 58, 58, "age key", noSum},
}

// byFirst are the shapes by the first byte of their prefix. It is never written to.
var byFirst = func() (index [256][]shape) {
	for _, s := range all {
		index[s.prefix[0]] = append(index[s.prefix[0]], s)
	}
	return index
}()

// shapes finds what looks like a token.
func (f *finder) shapes() {
	s := f.in
	for i := 0; i < len(s); i++ {
		if i > 0 && isAlnum(s[i-1]) {
			continue
		}
		if s[i] == 'e' && strings.HasPrefix(s[i:], "eyJ") {
			if end := jwt(s, i); end > 0 {
				f.add(i, end, "JSON web token")
				i = end
				continue
			}
		}
		for _, sh := range byFirst[s[i]] {
			if end, what := sh.at(s, i); end > 0 {
				f.add(i, end, what)
				i = end - 1
				break
			}
		}
	}
}

// at returns where the token that begins at i ends and what it is, 0 if there is
// none.
func (sh shape) at(s string, i int) (int, string) {
	const shortPrefix = 4
	inWord := i > 0 && (s[i-1] == '-' || s[i-1] == '_')
	if !strings.HasPrefix(s[i:], sh.prefix) || inWord && len(sh.prefix) <= shortPrefix {
		return 0, ""
	}
	body := i + len(sh.prefix)
	end := body
	for end < len(s) && strings.IndexByte(sh.alphabet, s[end]) >= 0 && (sh.most == 0 || end-body <= sh.most) {
		end++
	}
	for sh.most == 0 && end > body && s[end-1] == '.' { // of the sentence
		end--
	}
	if n := end - body; n < sh.least || sh.most > 0 && (n > sh.most || end < len(s) && isAlnum(s[end])) {
		return 0, ""
	}
	switch token := s[i:end]; sh.sum {
	case bodySum, prefixSum:
		body, sum := token[:len(token)-6], checksumOf(token[:len(token)-6])
		if sh.sum == bodySum {
			sum = swapCase(checksumOf(body[len(sh.prefix):]))
		}
		if token[len(body):] != sum {
			return end, "text like a " + sh.what
		}
	case mixed:
		if !isStrong(token) || strings.ToLower(token) == token && strings.Count(token, "-") > 3 {
			return 0, ""
		}
	}
	return end, sh.what
}

func checksumOf(body string) string {
	text := big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))).Text(62)
	return strings.Repeat("0", 6-len(text)) + text
}

// swapCase makes digits of the base 62 in which capitals come first.
func swapCase(digits string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' {
			r ^= 'a' - 'A'
		}
		return r
	}, digits)
}

// jwt returns where the JSON web token that begins at i ends: three parts of
// base 64 (RFC 7515, section 7.1).
func jwt(s string, i int) int {
	end := i
	for part := range 3 {
		from := end
		for end < len(s) && strings.IndexByte(base64, s[end]) >= 0 {
			end++
		}
		if part == 2 {
			return end
		}
		if end-from < 8 || end == len(s) || s[end] != '.' {
			return 0
		}
		end++
	}
	return 0
}

// keys finds private keys in PEM (RFC 7468), whole or cut off.
func (f *finder) keys() {
	const open, shut = "-----BEGIN ", "-----END "
	for at := 0; ; {
		i := strings.Index(f.in[at:], open)
		if i < 0 {
			return
		}
		at += i + len(open)
		title, _, ok := strings.Cut(f.in[at:min(len(f.in), at+64)], "-----")
		if !ok || !strings.Contains(title, "PRIVATE KEY") {
			continue
		}
		at += len(title) + len("-----")
		end := strings.Index(f.in[at:], shut)
		if end < 0 {
			end = len(f.in) - at
		}
		f.add(at, at+end, "private key")
		at += end
	}
}

// urls finds what stands before the @ of an address besides a name.
func (f *finder) urls() {
	s := f.in
	for at := 0; ; {
		i := strings.Index(s[at:], "://")
		if i < 0 {
			return
		}
		at += i + len("://")
		end := at
		for end < len(s) && strings.IndexByte("/?#", s[end]) < 0 && s[end] > ' ' && !isQuote(s[end]) && s[end] != '<' && s[end] != '>' {
			end++
		}
		user := s[at:end]
		cut := strings.LastIndexByte(user, '@')
		if cut < 0 && at > len("://") {
			cut = slashedPassword(s[at:min(len(s), at+256)], user)
		}
		if cut < 0 {
			continue
		}
		user = s[at : at+cut]
		if name, password, ok := strings.Cut(user, ":"); ok {
			if !isReference(password) {
				f.add(at+len(name)+1, at+cut, "password")
			}
		} else if len(user) >= 20 && isStrong(user) {
			f.add(at, at+cut, "credential")
		}
		at += cut
	}
}

// slashedPassword finds the @ behind a password with a slash in it, which makes
// an address of which the port is no number.
func slashedPassword(s, user string) int {
	_, port, ok := strings.Cut(user, ":")
	if !ok || strings.Trim(port, digits10) == "" {
		return -1
	}
	end := strings.IndexAny(s, " \t\r\n\"'`<>")
	if end < 0 {
		end = len(s)
	}
	return strings.LastIndexByte(s[:end], '@')
}
