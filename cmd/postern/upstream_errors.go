package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern"
)

// explain says of a request for a token that failed what happened and what to do. The
// broker says of which upstream.
func (u *named) explain(err error, s *sight) error {
	if err == nil {
		return nil
	}
	e := *postern.AsError(err)
	host := hostOf(u.BaseURL)
	if said, hint := wayFailed(err, host); said != "" {
		e.Code, e.Msg, e.Hint, e.Err = postern.Unavailable, said, u.named(hint), nil
	} else if said, hint := u.answerFailed(&e, s, host); said != "" {
		e.Msg, e.Hint = said, hint
	}
	if e.Code == postern.Internal {
		e.Code = postern.Unavailable
	}
	return &e
}

// of says of which upstream an error is.
func (u *named) of(err error) error {
	if err == nil {
		return nil
	}
	e := *postern.AsError(err)
	e.Msg = fmt.Sprintf("upstream %q: %s", u.name, e.Msg)
	return &e
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the token server"
	}
	return u.Host
}

// named puts the name of the setting into a hint about the address.
func (u *named) named(hint string) string {
	return strings.ReplaceAll(hint, "BASE", u.where("base_url"))
}

// where names a setting as people find it.
func (u *named) where(key string) string {
	return fmt.Sprintf("%s (or %s_%s)", key, u.prefix, strings.ToUpper(key))
}

// wayFailed tells what went wrong on the way to a host, "" when something else did.
func wayFailed(err error, host string) (said, hint string) {
	var dns *net.DNSError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + dns.Name, "check BASE for a misspelling, and that this machine's DNS works"
	case errors.As(err, &dns):
		return "the name of the host " + dns.Name + " could not be looked up", "check that this machine has a network and its DNS works"
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refused the connection", "check that the server runs, and the host and port of BASE"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return host + " did not answer in time", "try again later, or give it longer with timeout; check for a firewall on the way"
	case errors.Is(err, context.Canceled):
		return "", ""
	case errors.As(err, &plain) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + " does not speak TLS", "check the port of BASE; what is not TLS is only used on this machine itself"
	}
	if said, hint = tlsFailed(err, host); said != "" {
		return said, hint
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE):
		return "the answer of " + host + " broke off", "try again; if it stays, look at the server's log or at a proxy on the way"
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		return host + " cannot be reached from here", "check the network and the routes of this machine"
	}
	return "", ""
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// tlsFailed tells why a certificate was not accepted.
func tlsFailed(err error, host string) (said, hint string) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.As(err, &unknown):
		return "the certificate of " + host + " is signed by nobody this machine trusts",
			"if it is your own authority, add its certificate to the system's, or name it with SSL_CERT_FILE; else somebody may be in between"
	case errors.As(err, &name):
		return "the certificate of " + host + " is for another name", "check the host in BASE; a proxy on the way may answer in its place"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of " + host + " is not valid today", "its operator has to renew it; check this machine's clock as well (`date`)"
	case errors.As(err, &invalid) || errors.As(err, &verify):
		return "the certificate of " + host + " is not accepted", "its operator has to mend it: " + err.Error()
	case errors.As(err, &alert) || strings.Contains(err.Error(), "tls: "):
		return "no TLS connection to " + host + " came about", "the server asks for something that this program does not do: TLS 1.2 at least"
	}
	return "", ""
}

// answerFailed tells what is wrong with an answer that came.
func (u *named) answerFailed(e *postern.Error, s *sight, host string) (said, hint string) {
	look := s.last()
	switch {
	case look.status == 0:
		return "", "" // nothing came; what was said before stands
	case look.html && e.Code != postern.TooMany:
		return fmt.Sprintf("%s answered %d with a page for people (HTML), not with a token", host, look.status),
			"check that " + u.where("base_url") + " is the address of the token server and not of a website; a proxy or a login page may stand in between"
	case look.status == 200 && e.Code == postern.Unavailable && strings.Contains(e.Error(), "longer than"):
		return fmt.Sprintf("the answer of %s is far too long for a token", host), "check " + u.where("base_url") + ": this is no token server of the dialect " + u.Dialect
	case look.status == 200 && e.Code == postern.Unavailable && strings.Contains(e.Error(), "answer: "):
		_, detail, _ := strings.Cut(e.Error(), "answer: ")
		return fmt.Sprintf("%s answered 200, and there is no token in it (%s)", host, detail),
			fmt.Sprintf("check that %s speaks the dialect %s, and %s", host, u.Dialect, u.where("base_url"))
	}
	if said = fmt.Sprintf("%s: %s", host, postern.Public(e)); !strings.Contains(said, "answered") {
		said = fmt.Sprintf("%s answered %d", host, look.status) // what else it said repeats a credential
	}
	switch {
	case e.Reason == postern.BadGrant && u.facts().Person:
		hint = fmt.Sprintf("check the person's e-mail address and password (%s_EMAIL, %s_PASSWORD): one is wrong, or the account is locked", u.prefix, u.prefix)
	case e.Code == postern.Unauthenticated:
		hint = fmt.Sprintf("check client_id and client_secret (%s): the secret is wrong, or the client was revoked or deleted over there", u.secretFrom())
	case e.Reason == postern.BadScope:
		hint = fmt.Sprintf("the client was not granted what %s asks for (%q): grant it over there, or ask for less", u.where("scope"), u.Scope)
	case e.Reason == postern.BadTarget:
		hint = "the server does not know a resource, or the client may not use it: check resources"
	case e.Code == postern.Forbidden:
		hint = "the client may not use this grant, or this address: ask whoever runs the server"
	case e.Code == postern.NotFound:
		hint = fmt.Sprintf("there is no token endpoint there: check %s and the dialect %s", u.where("base_url"), u.Dialect)
	case e.Code == postern.TooMany && e.Wait > 0:
		hint = fmt.Sprintf("it takes no request for %s; fewer callers, or tokens that are shared, keep below the limit", e.Wait.Round(time.Second))
	case e.Code == postern.TooMany:
		hint = "wait a minute; fewer callers, or tokens that are shared, keep below the limit"
	case e.Code == postern.Unavailable:
		hint = "the trouble is on the other side: try again later"
	default:
		hint = e.Hint
	}
	return said, hint
}

// secretFrom says where the client's secret comes from, never what it is.
func (u *named) secretFrom() string {
	s := secretSettings[0]
	if keys := s.sources(&u.upstreamConfig); len(keys) > 0 {
		switch key := keys[0]; key {
		case s.key:
			if strings.HasSuffix(strings.Join(u.from, " "), "environment") {
				return u.prefix + "_CLIENT_SECRET"
			}
			return key
		case s.key + "_file":
			return *s.file(&u.upstreamConfig)
		default:
			return key
		}
	}
	if u.sealed[s.key] != "" {
		return "sealed in the database"
	}
	return "none is configured"
}
