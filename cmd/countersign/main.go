// Command countersign lets an agent's action run only after the policy, and
// where the policy says so a second person, has let that very action through.
//
// Each verb has a file of its own. wire.go puts the server together: it is the
// only list of doors, upstreams and stores.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/countersignhq/countersign/cmd/countersign/shop"
	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/upstream/confine"
)

func main() {
	confine.Main(os.Args)
	worker.Main(os.Args, parsers())
	if len(os.Args) == 2 && os.Args[1] == shopVerb {
		if err := shop.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(exitFailed)
		}
		return
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv))
}

// run runs one verb and returns the exit code. The first interrupt ends what the
// verb waits for; a second one ends the process.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) (string, bool)) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	t := newTerminal(stdin, stdout, stderr, env)
	root := newRoot(t)
	root.SetArgs(args)
	return t.report(ctx, root.ExecuteContext(ctx))
}
