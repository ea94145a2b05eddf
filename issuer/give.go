package issuer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// give answers the live token again where the dialect has it so, and otherwise
// signs one. Either way the event is durable before the token leaves.
func (s *Issuer) give(ctx context.Context, who caller, p *postern.Profile, c postern.Claims, ev *postern.Event, now time.Time) (postern.Token, error) {
	ev.Scope, ev.Audience = c.Scope.String(), strings.Join(c.Audience, " ")
	key, err := s.rings.active(alg(&who.Client, p), now)
	if err != nil {
		return postern.Token{}, err
	}
	ev.KeyID = key.ID
	if p.Shared {
		return s.giveShared(ctx, who, p, key, c, ev, now)
	}
	tok, err := s.mint(p, key, who, &c, now)
	if err != nil {
		return postern.Token{}, err
	}
	ev.TokenID = tok.ID
	if err := s.record(ctx, &postern.Entry{Event: *ev}); err != nil {
		return postern.Token{}, err
	}
	s.cfg.OnEvent(*ev)
	return tok, nil
}

// mint signs a token.
func (s *Issuer) mint(p *postern.Profile, key *signer, who caller, c *postern.Claims, now time.Time) (postern.Token, error) {
	life := p.Life
	if who.TokenLife != 0 {
		life = who.TokenLife
	}
	at := now.UnixMilli()
	// A token issued in the millisecond of a revocation must outlive it.
	for _, cut := range []time.Time{who.NotBefore, who.tenant.NotBefore, userCut(c.User)} {
		if !cut.IsZero() {
			at = max(at, cut.UnixMilli()+1)
		}
	}
	c.ID, c.Issuer, c.KeyID, c.Thumbprint = tokenID(at), s.cfg.URL+p.IssuerTag, key.ID, key.thumbprint
	c.IssuedAt = time.UnixMilli(at).Truncate(time.Second)
	c.NotBefore, c.ExpiresAt = c.IssuedAt, c.IssuedAt.Add(life)
	if p.SubjectOnly {
		c.Subject = who.Subject
	}
	payload, err := p.Encode(*c)
	if err != nil {
		return postern.Token{}, err
	}
	value, err := key.jws(p, payload)
	if err != nil {
		return postern.Token{}, err
	}
	return postern.Token{Value: postern.NewSecret(value), Type: "Bearer", ID: c.ID, Scope: c.Scope,
		IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, ExpiresIn: life}, nil
}

func userCut(u *postern.User) time.Time {
	if u == nil {
		return time.Time{}
	}
	return u.NotBefore
}

// tokenID makes a jti: 48 bits of milliseconds, so that a cut-off revokes to the
// millisecond although iat counts seconds, and 80 random bits.
func tokenID(atMillis int64) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(atMillis)<<16) //nolint:gosec // after 1970
	_, _ = rand.Read(id[6:])                                 // never fails since Go 1.24
	return hex.EncodeToString(id[:])
}

// issuedAt reads the time out of a jti, in milliseconds since 1970.
func issuedAt(tokenID string) int64 {
	if len(tokenID) < 12 {
		return 0
	}
	ms, err := strconv.ParseInt(tokenID[:12], 16, 64)
	if err != nil {
		return 0
	}
	return ms
}

// liveContext binds a sealed live token to its row.
func liveContext(clientID, slot string) string { return "live/" + clientID + "/" + slot }

// lastSecond of a live token is not answered again: its ExpiresIn would be a lie.
const lastSecond = time.Second

// giveShared answers the live token of the slot again, or signs one and lets the
// journal decide, in the commit that records it, whose is the first. So any number
// of requests on any number of nodes get one token, and it survives a restart.
func (s *Issuer) giveShared(ctx context.Context, who caller, p *postern.Profile, key *signer, c postern.Claims, ev *postern.Event, now time.Time) (postern.Token, error) {
	// The key is part of the slot, so that retiring it ends its live tokens too. No
	// scope holds the quote that parts them.
	slot := strings.Join([]string{p.Dialect, key.ID, ev.Scope, ev.Audience}, `"`)
	gen := s.known.live.generation()
	live, err := s.liveToken(ctx, gen, who, slot, now)
	if err != nil {
		return postern.Token{}, err
	}
	entry := &postern.Entry{}
	if live.TokenID == "" {
		tok, err := s.mint(p, key, who, &c, now)
		if err != nil {
			return postern.Token{}, err
		}
		// For the journal a token lives as long as it is answered again, and its time of
		// issue is that of its id, to the millisecond as cut-offs are.
		live = liveToken{value: tok.Value, LiveToken: postern.LiveToken{Tenant: who.Tenant, ClientID: who.ID, Slot: slot,
			TokenID: tok.ID, IssuedAt: time.UnixMilli(issuedAt(tok.ID)), ExpiresAt: tok.ExpiresAt.Add(-lastSecond),
			Sealed: s.cfg.Box.Seal(liveContext(who.ID, slot), []byte(tok.Value.Reveal()))}}
		offered := live.LiveToken
		entry.Live = &offered
	} else {
		ev.Action = postern.ActTokenReused
	}
	ev.TokenID = live.TokenID
	entry.Event = *ev
	if err := s.record(ctx, entry); err != nil {
		return postern.Token{}, err
	}
	*ev = entry.Event
	if entry.Live != nil {
		if entry.Live.TokenID != live.TokenID { // another was first
			if live, err = s.unseal(*entry.Live); err != nil {
				return postern.Token{}, err
			}
		}
		s.known.live.put(gen, who.ID+"/"+slot, live)
	}
	s.cfg.OnEvent(*ev)
	expires := live.ExpiresAt.Add(lastSecond)
	left := expires.Sub(now).Truncate(time.Second)
	return postern.Token{Value: live.value, Type: "Bearer", ID: live.TokenID, Scope: c.Scope,
		IssuedAt: live.IssuedAt.Truncate(time.Second), ExpiresAt: expires, ExpiresIn: max(left, time.Second)}, nil
}

// liveToken gives the token that lives in the slot, a zero one when none does.
func (s *Issuer) liveToken(ctx context.Context, gen uint64, who caller, slot string, now time.Time) (liveToken, error) {
	key := who.ID + "/" + slot
	if t, ok := s.known.live.get(key); ok {
		return s.ifAlive(ctx, t, who, now)
	}
	stored, err := s.cfg.Journal.LiveToken(ctx, who.Tenant, who.ID, slot, now)
	if postern.CodeOf(err) == postern.NotFound {
		return liveToken{}, nil
	}
	if err != nil {
		return liveToken{}, err
	}
	t, err := s.unseal(stored)
	if err != nil {
		return liveToken{}, err
	}
	s.known.live.put(gen, key, t)
	return s.ifAlive(ctx, t, who, now)
}

func (s *Issuer) unseal(t postern.LiveToken) (liveToken, error) {
	plain, err := s.cfg.Box.Open(liveContext(t.ClientID, t.Slot), t.Sealed)
	if err != nil {
		return liveToken{}, &postern.Error{Code: postern.Internal, Err: err, Cause: "live token does not open"}
	}
	return liveToken{LiveToken: t, value: postern.NewSecret(string(plain))}, nil
}

// ifAlive gives t unless it is in its last second or is revoked.
func (s *Issuer) ifAlive(ctx context.Context, t liveToken, who caller, now time.Time) (liveToken, error) {
	at := issuedAt(t.TokenID)
	if !now.Before(t.ExpiresAt) || cutOff(at, who.NotBefore) || cutOff(at, who.tenant.NotBefore) {
		return liveToken{}, nil
	}
	gone, err := s.revoked.has(ctx, t.TokenID)
	if err != nil || gone {
		return liveToken{}, err
	}
	return t, nil
}

// cutOff says whether a token issued at that millisecond is revoked by a cut-off.
func cutOff(atMillis int64, notBefore time.Time) bool {
	return !notBefore.IsZero() && atMillis <= notBefore.UnixMilli()
}
