package countersign_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/countersignhq/countersign"

// mayImport is the architecture: for each package what it may import of this
// module. A package without a line fails, and so does an import that is not in
// its line. Tests may import more.
var mayImport = map[string]string{
	".":                         "internal/canon",
	"audit":                     ". ledger",
	"brief":                     ". internal/canon internal/redact internal/unhide",
	"brief/terminal":            ". brief",
	"channel":                   ". brief",
	"channel/channeltest":       ". brief channel channel/desk gate gate/quorum identity/chat ledger store store/memory",
	"channel/desk":              ". brief channel identity/chat store",
	"channel/slack":             ". channel channel/slack/blockkit",
	"channel/slack/blockkit":    ". brief channel",
	"channel/slack/slacktest":   "channel/slack/blockkit",
	"client":                    "",
	"cmd/countersign":           "*",
	"cmd/countersign/bridge":    "internal/canon internal/mcpfields",
	"cmd/countersign/shop":      "",
	"cmd/countersign/wrap":      ". internal/canon ledger upstream/remote",
	"config":                    ". gate/duty/stint internal/nearest",
	"console":                   "",
	"console/build":             "",
	"console/e2e":               "",
	"door/doortest":             ". brief gate ledger store store/memory",
	"door/mcp":                  ". door/mcp/auth door/mcp/guard door/mcp/notice door/mcp/patience door/mcp/session door/mcp/state gate internal/canon internal/mcpfields internal/peer understand/mcptool",
	"door/mcp/auth":             "identity/workload",
	"door/mcp/guard":            ".",
	"door/mcp/notice":           "internal/canon",
	"door/mcp/patience":         "",
	"door/mcp/session":          "door/mcp/state",
	"door/mcp/state":            ". internal/canon",
	"gate":                      ". brief gate/amend gate/quorum internal/canon internal/wake ledger policy store understand understand/control understand/mcptool",
	"gate/amend":                ". internal/canon ledger policy store",
	"gate/duty":                 ". gate gate/duty/stint store",
	"gate/duty/stint":           "",
	"gate/quorum":               ".",
	"identity/chat":             ". store",
	"identity/link":             ". store",
	"identity/passkey":          ". store",
	"identity/setup":            ". store",
	"identity/session":          ". store",
	"identity/token":            ".",
	"identity/workload":         ". internal/canon upstream/dial",
	"internal/canon":            "",
	"internal/mcpfields":        "internal/canon",
	"internal/nearest":          "",
	"internal/peer":             "",
	"internal/redact":           "internal/canon",
	"internal/testenv":          "",
	"internal/unhide":           "",
	"internal/wake":             "",
	"internal/seccomp":          "",
	"internal/worker":           "internal/seccomp",
	"ledger":                    ". internal/canon",
	"ledger/ledgertest":         ". ledger",
	"ledger/receipt":            ". internal/canon ledger",
	"policy":                    ". internal/canon internal/nearest policy/expr understand",
	"policy/expr":               ". internal/nearest understand",
	"server":                    "",
	"server/admin":              ". client gate identity/token internal/canon internal/nearest ledger policy server/problem server/wire store",
	"server/account":            ". client gate identity/chat identity/passkey identity/session identity/setup server/problem server/rest server/wire store",
	"server/api":                ". brief client gate identity/passkey identity/session internal/canon ledger ledger/receipt policy server server/account server/problem server/reading server/rest server/view server/wire store",
	"server/executors":          ". internal/canon server/problem upstream/remote",
	"server/health":             "ledger store",
	"server/logtiles":           ". ledger server/problem store",
	"server/metrics":            ". gate ledger store",
	"server/problem":            ". client",
	"server/reading":            ". client gate ledger policy server/rest server/view server/wire store",
	"server/rest":               ". identity/token internal/canon internal/nearest internal/peer server/problem",
	"server/web":                ". brief console gate gate/quorum identity/link identity/session ledger server/problem server/view store",
	"server/view":               ". brief gate/quorum ledger store",
	"server/wire":               ". brief client internal/redact",
	"store":                     ". ledger store/pack",
	"store/batch":               ". ledger store store/pack",
	"store/memory":              ". ledger store store/batch",
	"store/pack":                "",
	"store/sqlite":              ". internal/canon ledger store store/batch store/pack",
	"store/storetest":           ". ledger store",
	"test/clients":              "",
	"understand":                ". internal/canon",
	"understand/control":        ". understand",
	"understand/mcptool":        ". internal/canon internal/mcpfields internal/unhide understand understand/shell understand/sql",
	"understand/shell":          ". understand",
	"understand/sql":            ". understand",
	"understand/understandtest": "internal/worker understand",
	"upstream/confine":          "internal/seccomp",
	"upstream/dial":             "",
	"upstream/fetch":            "upstream/dial",
	"upstream/mcp":              ". internal/canon ledger upstream/confine upstream/mcp/rpc upstream/mcp/stdio upstream/mcp/streamable upstream/oauth",
	"upstream/mcp/rpc":          "internal/canon",
	"upstream/remote":           ". internal/canon ledger",
	"upstream/mcp/stdio":        "internal/unhide upstream/confine upstream/mcp/rpc",
	"upstream/mcp/streamable":   "internal/canon internal/mcpfields upstream/dial upstream/mcp/rpc upstream/oauth",
	"upstream/oauth":            "upstream/dial",
}

// mayDial are the folders whose code may open connections or start programs.
var mayDial = []string{"upstream", "channel", "identity", "client", "cmd", "internal/testenv", "internal/worker"}

func TestEveryPackageImportsOnlyWhatTheArchitectureSays(t *testing.T) {
	seen := map[string]bool{}
	eachFile(t, func(pkg, name string, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		seen[pkg] = true
		line, ok := mayImport[pkg]
		if !ok {
			t.Errorf("%s: package %s has no line in the architecture; say what it may import", name, pkg)
			return
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			own, isOwn := ownPackage(imported)
			if isOwn && line != "*" && !slices.Contains(strings.Fields(line), own) {
				t.Errorf("%s: package %s imports %s, and its line does not say so", name, pkg, own)
			}
			if pkg == "." && !isOwn && strings.Contains(imported, ".") {
				t.Errorf("%s: the root imports %s; it may import the standard library only", name, imported)
			}
		}
	})
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("the architecture has a line for %s, and there is no such package", pkg)
		}
	}
}

func TestOnlyWhoMayDialDials(t *testing.T) {
	dials := map[string][]string{
		"net":  {"Dial", "DialTimeout", "DialTCP", "DialUnix", "Dialer"},
		"http": {"Client", "DefaultClient", "DefaultTransport", "Transport", "Get", "Post", "PostForm", "Head"},
		"tls":  {"Dial", "Dialer"},
		"exec": {"Command", "CommandContext"},
	}
	eachFile(t, func(pkg, name string, file *ast.File) {
		allowed := slices.ContainsFunc(mayDial, func(top string) bool {
			return pkg == top || strings.HasPrefix(pkg, top+"/")
		})
		if allowed || strings.HasSuffix(name, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(dials[x.Name], sel.Sel.Name) {
				t.Errorf("%s: %s.%s: package %s may not dial", name, x.Name, sel.Sel.Name, pkg)
			}
			return true
		})
	})
}

func ownPackage(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// eachFile parses every Go file of this module.
func eachFile(t *testing.T, visit func(pkg, name string, file *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") || hasGoMod(name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(path.Dir(filepath.ToSlash(name)), name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hasGoMod reports whether the folder is a module of its own.
func hasGoMod(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// What makes the console is no part of the product.
func TestOnlyTheConsolesBuildImportsTheBundler(t *testing.T) {
	eachFile(t, func(pkg, name string, file *ast.File) {
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if strings.HasPrefix(imported, "github.com/evanw/esbuild") && pkg != "console/build" {
				t.Errorf("%s: package %s imports %s; only console/build may", name, pkg, imported)
			}
		}
	})
}
