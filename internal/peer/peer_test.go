package peer

import (
	"net"
	"testing"
)

func TestAConnectionOfThisProcessIsOfItsAccount(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("no listener on %s here: %v", address, err)
			continue
		}
		defer l.Close()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if !SameAccount(server.RemoteAddr(), server.LocalAddr()) {
			t.Errorf("SameAccount(%s) = false, want true", server.RemoteAddr())
		}
	}
}

func TestAPeerElsewhereIsNotOfOurAccountAndAnUnreadableOneIs(t *testing.T) {
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8481}
	for _, c := range []struct {
		remote net.Addr
		want   bool
	}{
		{&net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 40000}, false},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 40000}, false},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, true}, // nobody's socket
		{&net.TCPAddr{IP: net.ParseIP("::1"), Port: 1}, true},
		{&net.UnixAddr{Name: "@", Net: "unix"}, true},
		{nil, true},
	} {
		if got := SameAccount(c.remote, local); got != c.want {
			t.Errorf("SameAccount(%v) = %v, want %v", c.remote, got, c.want)
		}
	}
}
