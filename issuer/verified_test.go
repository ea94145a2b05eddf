package issuer_test

import (
	"testing"

	"postern.dev/postern"
)

func TestATokenThatComesAgainIsNotAnothersToChange(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	raw := h.issue(request("oauth2", c, s)).Value.Reveal()
	first := h.claimsOf(raw)
	first.Audience[0], first.Scope[0] = "https://elsewhere.example", "all"
	again := h.claimsOf(raw)
	if again.Audience[0] != testURL || again.Scope[0] == "all" {
		t.Errorf("the second caller was told %v and %v", again.Audience, again.Scope)
	}
	if n := h.Sizes()["verified_tokens"]; n != 1 {
		t.Errorf("%d tokens are remembered, want 1", n)
	}
	if again.Client == nil || again.Client.ID != c.ID {
		t.Errorf("the claims name the client %+v", again.Client)
	}
}

func TestATokenThatIsNotGenuineIsNotRemembered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, s := h.client()
	raw := h.issue(request("oauth2", c, s)).Value.Reveal()
	for i := len(raw) - 4; i < len(raw); i++ {
		other := "A"
		if raw[i] == 'A' {
			other = "B"
		}
		h.invalid(raw[:i] + other + raw[i+1:])
	}
	h.invalid(raw + ".")
	if n := h.Sizes()["verified_tokens"]; n > 0 {
		t.Errorf("%d forged tokens are remembered", n)
	}
}

// claimsOf gives what a genuine token says.
func (h *house) claimsOf(raw string) postern.Claims {
	h.t.Helper()
	c, err := h.Verify(h.t.Context(), raw, postern.Want{Kind: postern.Machine})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func BenchmarkVerifyAgain(b *testing.B) {
	h := newHouse(b)
	c, s := h.client()
	raw := h.issue(request("oauth2", c, s)).Value.Reveal()
	for b.Loop() {
		if _, err := h.Verify(b.Context(), raw, postern.Want{Kind: postern.Machine}); err != nil {
			b.Fatal(err)
		}
	}
}
