package shell

import (
	"slices"
	"strings"
)

func (w *walker) ssh(args []word) {
	w.find("sh.remote-exec", "ssh")
	w.find("sh.network", "ssh")
	given, rest, ok := flags(args, "-i -p -l -o -F -J -L -R -D -b -c -E -e -m -O -Q -S -W -w -B -I")
	for _, f := range given {
		lower := strings.ToLower(f)
		if strings.Contains(lower, "command") || strings.HasPrefix(f, "-F") || strings.Contains(lower, "proxyuse") || strings.Contains(lower, "include") {
			w.opaque("ssh " + f)
		}
	}
	if !ok {
		w.opaque("the arguments of ssh")
		return
	}
	for i, f := range given {
		if i > 0 && (given[i-1] == "-J" || given[i-1] == "-W") {
			w.Export(f)
		}
	}
	if len(rest) > 0 {
		w.Export(rest[0].text)
	} else {
		w.Export("ssh")
	}
	if len(rest) < 2 {
		w.find("sh.interactive", "ssh")
		return
	}
	if rest[1].text == "--" {
		rest = slices.Delete(slices.Clone(rest), 1, 2)
	}
	w.joined("ssh", rest[1:])
}

// subcommand is the first argument that is no flag, and what follows it.
func subcommand(args []word, valued string) (name string, rest []word, ok bool) {
	_, rest, ok = flags(args, valued)
	if !ok || len(rest) == 0 || rest[0].made != written {
		return "", nil, false
	}
	return rest[0].text, rest[1:], true
}

func (w *walker) kubectl(args []word) {
	w.find("sh.network", "kubectl")
	sub, rest, ok := subcommand(args, "-n -s --namespace --context --kubeconfig --cluster --user --server --token --as")
	if !ok {
		w.opaque("the arguments of kubectl")
		return
	}
	switch sub {
	case "exec", "debug", "run", "attach", "cp", "port-forward", "proxy":
		w.find("sh.remote-exec", "kubectl "+sub)
		after := slices.IndexFunc(rest, func(a word) bool { return a.text == "--" })
		if sub == "exec" && after >= 0 {
			w.program(rest[after+1:])
			return
		}
		w.opaque("kubectl " + sub)
	case "delete", "drain", "replace":
		w.find("sh.destructive", "kubectl "+sub)
	default:
		w.find("sh.unclassified", "kubectl "+sub)
	}
}

func (w *walker) container(args []word) {
	sub, _, ok := subcommand(args, "-H -l --host --context --config --log-level")
	switch {
	case !ok:
		w.opaque("the arguments of docker")
	case sub == "run" || sub == "exec" || sub == "build" || sub == "compose" || sub == "buildx" || sub == "cp" || sub == "create":
		w.find("sh.remote-exec", "docker "+sub)
		w.opaque("docker " + sub)
	case sub == "rm" || sub == "rmi" || sub == "system" || sub == "volume" || sub == "kill" || sub == "stop" || sub == "image" || sub == "container" || sub == "network":
		w.find("sh.destructive", "docker "+sub)
	default:
		w.find("sh.unclassified", "docker "+sub)
	}
}

func (w *walker) git(args []word) {
	for _, a := range args {
		if a.made != written || a.text == "-c" || strings.HasPrefix(a.text, "--config-env") || strings.HasPrefix(a.text, "--exec-path") ||
			strings.HasPrefix(a.text, "--upload-pack") || strings.HasPrefix(a.text, "--receive-pack") || strings.HasPrefix(a.text, "-O") || a.text == "--ext-diff" {
			w.opaque("git " + a.text)
		}
	}
	sub, rest, ok := subcommand(args, "-C -c --git-dir --work-tree --namespace")
	if !ok {
		w.find("sh.unclassified", "git")
		return
	}
	has := func(flags ...string) bool {
		return slices.ContainsFunc(rest, func(a word) bool {
			return slices.ContainsFunc(flags, func(f string) bool { return a.text == f || strings.HasPrefix(f, "--") && strings.HasPrefix(a.text, f) })
		})
	}
	switch sub {
	case "push":
		w.find("sh.network", "git push")
		for _, address := range addresses("git push", rest) {
			w.Export(address)
		}
		if has("-f", "-d", "--force", "--mirror", "--delete", "--prune") || slices.ContainsFunc(rest, func(a word) bool { return strings.HasPrefix(a.text, "+") || strings.HasPrefix(a.text, ":") }) {
			w.find("sh.destructive", "git push")
		}
	case "fetch", "pull", "clone", "ls-remote", "remote", "submodule":
		w.find("sh.network", "git "+sub)
	case "reset", "clean", "checkout", "restore", "switch", "stash", "gc", "prune", "filter-branch", "reflog":
		w.find("sh.destructive", "git "+sub)
	case "branch", "tag":
		if has("-d", "-D", "-f", "-M", "--delete", "--force") {
			w.find("sh.destructive", "git "+sub)
			return
		}
		w.find("sh.unclassified", "git "+sub)
	case "rebase", "bisect", "difftool", "mergetool", "send-email", "grep":
		w.opaque("git " + sub)
	default:
		w.find("sh.unclassified", "git "+sub)
	}
}
