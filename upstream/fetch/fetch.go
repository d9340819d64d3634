// Package fetch reads a small document from an address of the configuration, such as
// a calendar. Get is all there is to call.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/countersignhq/countersign/upstream/dial"
)

// Most is the size, in bytes, above which a document is not taken.
const Most = 1 << 20

const patience = 20 * time.Second

// Check refuses an address that Get would not ask: it is https, or http on this
// machine alone.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("it is no address such as https://calendar.example/oncall.ics")
	}
	host := u.Hostname()
	ip, _ := netip.ParseAddr(host)
	here := host == "localhost" || ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && here) {
		return errors.New("its scheme is not https")
	}
	return nil
}

// Get reads the document. It follows no redirect and goes through no proxy; a name
// that leads to where only this machine or its cloud should be asked is refused. The
// address may be a secret, and stands in no error.
func Get(ctx context.Context, address string) ([]byte, error) {
	if err := Check(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	req.Header.Set("User-Agent", "countersign")
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: dial.Dialer(req.URL.Hostname()).DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout: patience, MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address
		}
		return nil, fmt.Errorf("it does not answer: %s", strings.ReplaceAll(err.Error(), address, "…"))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d, want 200; redirects are not followed", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, Most+1))
	switch {
	case err != nil:
		return nil, errors.New("its answer broke off")
	case len(b) > Most:
		return nil, fmt.Errorf("it answers more than %d bytes", Most)
	}
	return b, nil
}
