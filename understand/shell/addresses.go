package shell

import "strings"

// copiers are programs whose arguments are files too: there a name with a dot is
// no address if another one has more of one. It is never written to.
var copiers = words("scp sftp rsync aws gcloud gsutil az gh s3cmd rclone mail sendmail mutt openssl")

// asides are flags whose value is no address, but a file, a text or a number. It
// is never written to.
var asides = map[string]map[string]bool{
	"curl": words(`-o --output -H --header -d --data --data-raw --data-binary --data-ascii --data-urlencode --json -F --form -T --upload-file -A --user-agent
		-X --request -m --max-time -w --write-out -u --user -b --cookie -c --cookie-jar --cacert --cert --key -E --retry --connect-timeout -r --range`),
	"wget": words(`-O --output-document -o --output-file -P --directory-prefix --header --post-data --post-file --body-data --body-file -U --user-agent -T --timeout
		-t --tries --method --user --password`),
}

// addresses are the arguments that may name a place elsewhere; the program, if
// none does. Several are all kept: data can go to each.
func addresses(name string, args []word) []string {
	var sure, perhaps []string
	own, value, ended := asides[name], false, false
	for _, a := range args {
		text := a.text
		if a.made != written {
			text += "…" // which is in no address
		}
		switch {
		case value: // whatever it looks like
			value = false
			continue
		case ended || !strings.HasPrefix(text, "-"):
		case text == "--":
			ended = true
			continue
		default:
			value = a.made == written && own[text]
			text = attached(text, own)
		}
		switch {
		case a.made != written || own != nil && text != "" || strings.Contains(text, "://"):
			sure = append(sure, text)
		case strings.ContainsAny(text, " \t\n"):
		case strings.ContainsAny(text, "@:"):
			sure = append(sure, text)
		case strings.Contains(text, "."):
			perhaps = append(perhaps, text)
		}
	}
	if !copiers[name] || len(sure) == 0 {
		sure = append(sure, perhaps...)
	}
	if len(sure) == 0 {
		return []string{name}
	}
	return sure
}

// attached is the value that stands in the same word as its flag, empty if it is
// no address.
func attached(flag string, asides map[string]bool) string {
	name, value, ok := strings.Cut(flag, "=")
	switch {
	case strings.HasPrefix(flag, "--") && (!ok || asides[name]):
		return ""
	case strings.HasPrefix(flag, "--"):
		return value
	case len(flag) > 2 && !asides[flag[:2]] && strings.ContainsAny(flag, ".:/@"): // -sSL has none
		return flag[2:]
	}
	return ""
}
