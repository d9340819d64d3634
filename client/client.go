// Package client speaks the REST API of Countersign: an agent asks with Submit,
// Get and Run, and a program of a person's lists, reads and refuses. The types
// are the JSON of the contract.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base  string
	token string
	agent string
	http  *http.Client
}

// Config is what a client may be told. Its zero value works, without a token.
type Config struct {
	// Token is an agent's bearer token, "cs_agt_…".
	Token string
	// UserAgent is what the program says it is: "deploy-bot/1.4".
	UserAgent string
	// Transport carries the requests. Defaults to one of the client's own.
	Transport http.RoundTripper
}

// New returns a client of the server at the address: a base URL,
// "https://gate.example", or the path of its admin socket, "unix:/srv/data/admin.sock".
// It follows no redirects: a token goes to the address it was given for.
func New(address string, cfg Config) (*Client, error) {
	c := &Client{token: cfg.Token, agent: cfg.UserAgent}
	if c.agent == "" {
		c.agent = "countersign-go"
	}
	transport := cfg.Transport
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		c.base = "http://localhost"
		if transport == nil {
			transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", path)
			}}
		}
	} else {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fmt.Errorf("address %q: want http://…, https://… or unix:/path/admin.sock", address)
		}
		c.base = strings.TrimRight(address, "/")
	}
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Submit asks for a command and waits at most that long for what becomes of it.
// A request that comes back unsettled waits for people: Get tells when they have
// decided, and Run runs what they approved. A *Problem says why the ask was not
// taken; why one that was taken did not run stands in Request.Problem.
func (c *Client) Submit(ctx context.Context, ask Ask, wait time.Duration) (Request, error) {
	headers := http.Header{}
	prefer(headers, wait)
	if ask.Key != "" {
		headers.Set("Idempotency-Key", ask.Key)
	}
	return call[Request](ctx, c, http.MethodPost, "/v1/requests", headers, ask)
}

// Run runs an approved request of the caller's, or waits at most that long for
// it to be approved, and returns what Submit returns.
func (c *Client) Run(ctx context.Context, id string, wait time.Duration) (Request, error) {
	headers := http.Header{}
	prefer(headers, wait)
	return call[Request](ctx, c, http.MethodPost, one(id, "/run"), headers, nil)
}

// Get returns a request once its version is above after, or as it is after the
// wait. Without a wait it returns at once.
func (c *Client) Get(ctx context.Context, id string, after uint64, wait time.Duration) (Request, error) {
	path := one(id, "")
	if wait > 0 {
		path += "?" + url.Values{"wait": {seconds(wait)}, "after": {strconv.FormatUint(after, 10)}}.Encode()
	}
	return call[Request](ctx, c, http.MethodGet, path, nil, nil)
}

// A Query selects requests. Zero fields select all.
type Query struct {
	Decision, Execution         string
	Resource, Requester, Digest string
	Since                       time.Time
	Cursor                      string
	Limit                       int // defaults to 50, at most 200
}

// List returns a page of the requests that the caller may see, newest first.
func (c *Client) List(ctx context.Context, q Query) (Page, error) {
	v := url.Values{}
	for name, value := range map[string]string{
		"decision": q.Decision, "execution": q.Execution, "resource": q.Resource,
		"requester": q.Requester, "digest": q.Digest, "cursor": q.Cursor,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return call[Page](ctx, c, http.MethodGet, "/v1/requests?"+v.Encode(), nil, nil)
}

// Withdraw takes a request back.
func (c *Client) Withdraw(ctx context.Context, id, reason string) (Request, error) {
	return call[Request](ctx, c, http.MethodPost, one(id, "/withdraw"), nil, map[string]string{"reason": reason})
}

// Decide rejects or escalates a request, where the caller is a person. Nobody
// approves with what a program can keep: that ends in a browser.
func (c *Client) Decide(ctx context.Context, id string, choice Choice) (Request, error) {
	return call[Request](ctx, c, http.MethodPost, one(id, "/decisions"), nil, choice)
}

// Result returns the exact bytes of what the command answered, which are kept
// for 24 hours.
func (c *Client) Result(ctx context.Context, id string) ([]byte, error) {
	return c.bytes(ctx, one(id, "/result"))
}

// Receipt returns the proof of a request as it stands now. Keep these very
// bytes: countersign verify checks them.
func (c *Client) Receipt(ctx context.Context, id string) ([]byte, error) {
	return c.bytes(ctx, one(id, "/receipt"))
}

func one(id, rest string) string { return "/v1/requests/" + url.PathEscape(id) + rest }

func prefer(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Prefer", "wait="+seconds(wait))
	}
}

// seconds rounds up, so that a short wait is not none.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// call makes one call and reads its answer as a T.
func call[T any](ctx context.Context, c *Client, method, path string, headers http.Header, in any) (T, error) {
	var out T
	var sent io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return out, fmt.Errorf("encode %T: %w", in, err)
		}
		sent = bytes.NewReader(b)
	}
	resp, err := c.do(ctx, method, path, headers, sent)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return out, nil
}

func (c *Client) bytes(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of GET %s: %w", path, err)
	}
	return b, nil
}

// do returns an answer of 2xx; any other is an error.
func (c *Client) do(ctx context.Context, method, path string, headers http.Header, sent io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return nil, err
	}
	for name, values := range headers {
		req.Header[name] = values
	}
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, problemOf(resp)
}

func problemOf(resp *http.Response) error {
	where := resp.Request.Method + " " + resp.Request.URL.Path
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %s", where, resp.Status), err)
	}
	var p Problem
	if err := json.Unmarshal(b, &p); err != nil || p.Code == "" {
		return fmt.Errorf("%s answered %s, which is no answer of Countersign's; is the address right?", where, resp.Status)
	}
	return &p
}
