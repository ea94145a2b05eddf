package console

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"time"

	"postern.dev/postern"
)

// VerifyPage proves that nobody changed a trail. While it reads, the page grows.
type VerifyPage struct {
	Tenant string
	Marker string // stands where the page grows; "" before it was asked for
}

func (VerifyPage) page() head {
	return head{Sheet: "verify", Title: "Verify the audit trail", Section: inAudit, Crumbs: []Crumb{{"Audit", "/console/audit"}}}
}

// Verified is how it came out.
type Verified struct {
	postern.Chain
	Problem string // of ours: it could not be read to its end
}

func (c *call) verifyPage() error {
	if err := c.pickChain(); err != nil {
		return err
	}
	return c.show(VerifyPage{Tenant: c.tenant})
}

// verify reads a whole trail. The page is sent up to where it grows, then a line now and
// then while records are read, then how it came out and the rest: so it needs no script.
func (c *call) verify() error {
	if err := c.pickChain(); err != nil {
		return err
	}
	p := VerifyPage{Tenant: c.tenant, Marker: rand.Text()}
	var b bytes.Buffer
	if err := c.sheets.render(&b, c.frame(p)); err != nil {
		return err
	}
	before, after, ok := bytes.Cut(b.Bytes(), []byte(p.Marker))
	if !ok {
		return postern.Errorf(postern.Internal, "the page has no place to grow")
	}
	// A trail that cannot be read at all is refused before the page begins.
	last := time.Time{}
	begun := false
	begin := func() {
		if !begun {
			c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = c.w.Write(before) // the browser may be gone; the verification goes on until its context ends
			begun = true
		}
	}
	chain, err := c.office.VerifyChain(c.ctx, c.tenant, func(done int64) {
		if now := c.Now(); now.Sub(last) >= time.Second {
			begin()
			last = now
			_, _ = c.w.Write([]byte("<li>" + thousands(done) + " records are right so far</li>\n"))
			_ = http.NewResponseController(c.w).Flush() // not every writer can
		}
	})
	if err != nil && !begun {
		return err
	}
	begin()
	v := Verified{Chain: chain}
	if err != nil {
		postern.CallFrom(c.ctx).Err = err
		v.Problem = sentence(postern.Public(err))
	}
	t, err := c.sheets.template("verify")
	if err == nil {
		err = t.ExecuteTemplate(c.w, "verified", v)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the browser is gone
	}
	_, _ = c.w.Write(after)
	return nil
}
