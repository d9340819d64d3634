package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
	"github.com/spf13/pflag"
)

// at is where a verb finds its server: on this machine by the admin socket of its
// data folder, or elsewhere by COUNTERSIGN_URL and COUNTERSIGN_TOKEN.
type at struct {
	t          *terminal
	config     string
	dataFolder string
}

func (a *at) flags(f *pflag.FlagSet) {
	f.StringVar(&a.config, "config", "", "the configuration (default "+config.Name+" here)")
	f.StringVar(&a.dataFolder, "data", "", "the data folder (default the configuration's, or ./data)")
}

// load reads the configuration. It must be there.
func (a *at) load() (config.Config, error) {
	c, err := loadConfig(a.file())
	if errors.Is(err, fs.ErrNotExist) {
		return c, failed("write one, or name one with --config; it may begin empty", "there is no configuration %s", a.file())
	}
	if err != nil {
		return c, err
	}
	if a.dataFolder != "" {
		return c, failed("set data: in "+a.file(), "--data is for the verbs that talk to a running server")
	}
	return c, nil
}

func (a *at) file() string {
	if a.config != "" {
		return a.config
	}
	return config.Name
}

// data is the data folder: that of --data, of the configuration if there is one,
// or ./data.
func (a *at) data() (string, error) {
	if a.dataFolder != "" {
		return a.dataFolder, nil
	}
	c, err := loadConfig(a.file())
	if errors.Is(err, fs.ErrNotExist) && a.config == "" {
		return "data", nil
	}
	return c.Data, err
}

// remote is the server of COUNTERSIGN_URL, empty for the one of this machine.
// Naming a folder or a file on the command line is stronger.
func (a *at) remote() string {
	if a.dataFolder != "" || a.config != "" {
		return ""
	}
	return a.t.get("COUNTERSIGN_URL")
}

// client speaks to the server, here or elsewhere.
func (a *at) client() (*client.Client, error) {
	if url := a.remote(); url != "" {
		token := a.t.get("COUNTERSIGN_TOKEN")
		if token == "" {
			return nil, &failure{exitSignIn, "COUNTERSIGN_URL is set and COUNTERSIGN_TOKEN is not", "set it to an agent's token, or unset COUNTERSIGN_URL for the server of this machine"}
		}
		return client.New(url, client.Config{Token: token, UserAgent: "countersign-cli/" + version()})
	}
	socket, err := a.socket()
	if err != nil {
		return nil, err
	}
	return client.New("unix:"+socket, client.Config{UserAgent: "countersign-cli/" + version()})
}

func (a *at) socket() (string, error) {
	data, err := a.data()
	return filepath.Join(data, socketFile), err
}

// dial opens the admin socket. That nobody is behind it is said in words.
func dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	return conn, reached(err)
}

// reached says of an error of a connection what it means here.
func reached(err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Net != "unix" {
		return err
	}
	folder := "the data folder"
	if op.Addr != nil {
		folder = filepath.Dir(op.Addr.String())
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return failed("countersign up starts one; --data or --config names another folder", "no server runs on %s", folder)
	case errors.Is(err, fs.ErrPermission):
		return failed("run this as the server's own user", "the admin socket in %s is not yours", folder)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return failed("run this as the server's own user", "the server in %s hung up", folder)
	}
	return err
}

// operate makes one call of the operator's over the admin socket.
func operate[T any](ctx context.Context, a *at, method, path string, in any) (T, error) {
	if a.remote() != "" {
		var none T
		return none, failed("run it on the server's machine, without COUNTERSIGN_URL or with --data", "this is done over the admin socket only")
	}
	return answered[T](a.do(ctx, method, path, in))
}

// get reads from the server, here or elsewhere.
func get[T any](ctx context.Context, a *at, path string) (T, error) {
	return answered[T](a.do(ctx, http.MethodGet, path, nil))
}

func answered[T any](resp *http.Response, err error) (T, error) {
	var out T
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the answer of %s: %w", resp.Request.URL.Path, err)
	}
	return out, nil
}

// do makes the call; an answer that is not of 2xx is an error.
func (a *at) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	sent, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	if in == nil {
		sent = nil
	}
	base, c := a.remote(), &http.Client{}
	if base == "" {
		socket, err := a.socket()
		if err != nil {
			return nil, err
		}
		base = "http://localhost"
		c.Transport = &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, socket) },
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+path, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token := a.t.get("COUNTERSIGN_TOKEN"); token != "" && a.remote() != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &client.Problem{}
	if err := json.NewDecoder(resp.Body).Decode(p); err != nil || p.Detail == "" {
		return nil, fmt.Errorf("%s %s answered %s", method, path, resp.Status)
	}
	return nil, p
}

// owns reports whether a server answers on the folder.
func owns(ctx context.Context, folder string) bool {
	if _, err := os.Stat(filepath.Join(folder, socketFile)); err != nil {
		return false
	}
	conn, err := dial(ctx, filepath.Join(folder, socketFile))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
