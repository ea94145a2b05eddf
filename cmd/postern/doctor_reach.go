package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	probeTimeout = 20 * time.Second
	// maxSkew is how far the clocks may be apart.
	maxSkew = time.Minute
	// soon is how many days before its end a certificate is a finding.
	soon = 14
)

// httpClient is for one command's calls.
func httpClient() *http.Client {
	return &http.Client{Transport: upstreamTransport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reach goes to the token server step by step, and says whether it got there.
func (d *doctor) reach(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := url.Parse(d.u.BaseURL)
	if err != nil { // impossible: complete has read it
		return false
	}
	if via := proxyFor(u); via != "" {
		d.say("host", told, "", "%s is reached through the proxy %s", u.Host, via)
		return true
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		d.unreachable("DNS", err, u.Host)
		return false
	}
	began := d.now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		d.unreachable("connection", err, u.Host)
		return false
	}
	defer func() { _ = conn.Close() }()
	d.say("host", works, "", "%s is %s, connected in %s", u.Host, conn.RemoteAddr(), d.now().Sub(began).Round(time.Millisecond))
	if len(addrs) > 1 {
		d.findings[len(d.findings)-1].Detail += fmt.Sprintf(" (%d addresses)", len(addrs))
	}
	if u.Scheme == "http" {
		d.say("TLS", told, "", "none: this is the machine itself")
		return true
	}
	return d.handshake(ctx, conn, host, u.Host)
}

func (d *doctor) unreachable(check string, err error, host string) {
	said, hint := wayFailed(err, host)
	if said == "" {
		said, hint = err.Error(), "check the network of this machine"
	}
	d.say(check, wrong, d.u.named(hint), "%s", said)
}

func (d *doctor) handshake(ctx context.Context, conn net.Conn, name, host string) bool {
	c := tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	if err := c.HandshakeContext(ctx); err != nil {
		d.unreachable("TLS", err, host)
		return false
	}
	s := c.ConnectionState()
	left := s.PeerCertificates[0].NotAfter.Sub(d.now())
	for _, cert := range s.PeerCertificates[1:] { // what signs it may end before it
		left = min(left, cert.NotAfter.Sub(d.now()))
	}
	days := int(left.Hours() / 24)
	text := fmt.Sprintf("%s, certificate good for %d days", tls.VersionName(s.Version), days)
	if days < soon {
		d.say("TLS", wrong, "its operator has to renew it before "+d.now().Add(left).Format(time.DateOnly), "%s", text)
	} else {
		d.say("TLS", works, "", "%s", text)
	}
	return true
}

// clock compares the server's clock with ours.
func (d *doctor) clock(l look) {
	switch skew := l.skew(); {
	case l.status == 0:
	case l.date.IsZero():
		d.say("clock", told, "", "the server does not tell its time")
	case skew > maxSkew || skew < -maxSkew:
		d.say("clock", wrong, "set this machine's clock (timedatectl set-ntp true), or have the server's set",
			"this machine is %s %s the server", skew.Abs(), yesNo(skew > 0, "behind", "ahead of"))
	default:
		d.say("clock", works, "", "within %s of the server's", max(skew.Abs(), time.Second))
	}
}

// proxyFor names the proxy on the way to an address, "" when there is none.
func proxyFor(u *url.URL) string {
	p, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil || p == nil {
		return ""
	}
	return p.Host
}
