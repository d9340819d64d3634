package countersign_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"testing"
)

// TestTheWalkNamesWhatIsThere checks that each file and function that
// docs/walk.md names exists: "`gate/submit.go` `Submit`".
func TestTheWalkNamesWhatIsThere(t *testing.T) {
	walk, err := os.ReadFile("docs/walk.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.go)`\\s+`(\\w+)`").FindAllStringSubmatch(string(walk), -1)
	if len(named) < 15 {
		t.Fatalf("got %d functions named in docs/walk.md, want the whole path", len(named))
	}
	for _, n := range named {
		file, function := n[1], n[2]
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("docs/walk.md names %s: %v", file, err)
			continue
		}
		if !declares(parsed, function) {
			t.Errorf("docs/walk.md names %s in %s, and it is not there", function, file)
		}
	}
}

func declares(file *ast.File, function string) bool {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == function {
			return true
		}
	}
	return false
}
