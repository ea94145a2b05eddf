package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"postern.dev/postern"
)

// certs holds the certificate in use and takes a new one from the files when it is
// valid.
type certs struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	mu     sync.Mutex // one reload at a time
	stamp  fileStamp  // of the files last read
	failed string     // what was wrong with them, "" when nothing was
}

// fileStamp is what a change of the files is known by.
type fileStamp struct {
	certTime, keyTime time.Time
	certSize, keySize int64
}

func openCerts(certFile, keyFile string, log *slog.Logger) (*certs, error) {
	c := &certs{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// reload reads the files now. An invalid or expired certificate changes nothing.
func (c *certs) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp, _ = c.look() // before reading: a change meanwhile is seen next time
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil && time.Now().After(cert.Leaf.NotAfter) {
		err = postern.Errorf(postern.Invalid, "the certificate has expired")
	}
	if err != nil {
		c.failed = err.Error()
		return &postern.Error{Code: postern.Invalid, Msg: "the TLS certificate or its key cannot be used", Err: err,
			Hint: "give a PEM certificate chain and the private key that belongs to it"}
	}
	c.failed = ""
	c.current.Store(&cert)
	return nil
}

func (c *certs) look() (fileStamp, error) {
	cert, err := os.Stat(c.certFile)
	if err != nil {
		return fileStamp{}, err
	}
	key, err := os.Stat(c.keyFile)
	if err != nil {
		return fileStamp{}, err
	}
	return fileStamp{cert.ModTime(), key.ModTime(), cert.Size(), key.Size()}, nil
}

// watch reloads when the files change, until ctx ends. After a failure it tries again
// every time: the two files are not replaced in one moment.
func (c *certs) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		before, failed := c.stamp, c.failed
		c.mu.Unlock()
		now, err := c.look()
		if err == nil && now == before && failed == "" {
			continue
		}
		err = c.reload()
		c.mu.Lock()
		same := err != nil && c.failed == failed
		c.mu.Unlock()
		switch {
		case err == nil:
			c.log.Info("certificate reloaded", "not_after", c.notAfter())
		case !same:
			c.log.Error("certificate kept: the new one cannot be used", "err", describe(err))
		}
	}
}

func (c *certs) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }

func (c *certs) notAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// tlsConfig allows TLS 1.3, and 1.2 with ECDHE and an AEAD (RFC 9325 section 4.2).
func (c *certs) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		NextProtos:     []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}
