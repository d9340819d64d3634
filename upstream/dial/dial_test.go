package dial_test

import (
	"errors"
	"net"
	"testing"

	"github.com/countersignhq/countersign/upstream/dial"
)

func TestNoNameLeadsToWhereCloudsKeepCredentials(t *testing.T) {
	for _, address := range []string{
		"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "[fe80::1]:80", "[64:ff9b::a9fe:a9fe]:80", "[fd00:ec2::254]:80",
		"100.100.100.200:80", "168.63.129.16:80", "0.0.0.0:80", "[::]:80", "224.0.0.1:80",
	} {
		d := dial.Dialer("upstream.example")
		if err := d.ControlContext(t.Context(), "tcp", address, nil); !errors.Is(err, dial.ErrRefused) {
			t.Errorf("%s: got %v, want it refused", address, err)
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := dial.Dialer(host).ControlContext(t.Context(), "tcp", address, nil); err != nil {
			t.Errorf("%s, which the configuration names: got %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:80", "10.0.0.5:443", "[2001:db8::1]:443", "93.184.216.34:443"} {
		if err := dial.Dialer("upstream.example").ControlContext(t.Context(), "tcp", address, nil); err != nil {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
