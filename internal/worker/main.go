package worker

import (
	"io"
	"os"
	"runtime/debug"
	"time"
)

const (
	// mostInChild is a size in bytes that no input has, whatever a pool allows.
	mostInChild = 1 << 24
	// abandoned is how long an input may take where nobody is left to stop it.
	abandoned = 10 * time.Second
	// memory is how many bytes the child's heap may have before it is collected
	// at any price.
	memory = 512 << 20
)

// Main becomes the child that a pool asked for, if args, the whole of os.Args,
// are those of one; it does not return then. Otherwise it returns at once.
func Main(args []string, handlers map[string]Handler) {
	if len(args) != 3 || args[1] != Verb {
		return
	}
	handle, ok := handlers[args[2]]
	if !ok {
		os.Exit(125)
	}
	os.Exit(serve(handle, os.Stdin, os.Stdout))
}

func serve(handle Handler, in io.Reader, out io.Writer) (status int) {
	debug.SetMemoryLimit(memory)
	if err := isolate(); err != nil {
		return 126
	}
	handle(nil)
	debug.FreeOSMemory() // warming up leaves ten times of what is needed later
	if _, err := out.Write([]byte{ready}); err != nil {
		return 1
	}
	for {
		input, err := readFrame(in, mostInChild)
		if err != nil {
			return 0 // the parent is gone
		}
		alone := time.AfterFunc(abandoned, func() { os.Exit(124) })
		answer := handle(input)
		alone.Stop()
		if _, err := out.Write(frame(answer)); err != nil {
			return 1
		}
	}
}
