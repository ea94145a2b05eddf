package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"postern.dev/postern/internal/seal"
)

func box(t *testing.T) *seal.Box {
	t.Helper()
	k, err := seal.Parse(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.New(k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSealedOpensOnlyInItsContextWithItsKey(t *testing.T) {
	t.Parallel()
	a, other := box(t), box(t)
	sealed := a.Seal("key/1", []byte("private"))
	got, err := a.Open("key/1", sealed)
	if err != nil || !bytes.Equal(got, []byte("private")) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	flipped := []byte(sealed)
	flipped[len(flipped)-2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another context": func() ([]byte, error) { return a.Open("key/2", sealed) },
		"another key":     func() ([]byte, error) { return other.Open("key/1", sealed) },
		"a changed byte":  func() ([]byte, error) { return a.Open("key/1", string(flipped)) },
		"no version":      func() ([]byte, error) { return a.Open("key/1", sealed[3:]) },
		"nothing":         func() ([]byte, error) { return a.Open("key/1", "") },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("with %s: %q, %v; want ErrSealed", name, got, err)
		}
	}
}

func TestMasterKeysAreReadInBothSpellingsAndNothingElse(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n":                    true,
		" 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f": true,
		"":                                 false,
		"short":                            false,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": false,
	} {
		if _, err := seal.Parse(in); (err == nil) != ok {
			t.Errorf("Parse(%q): %v, want ok=%t", in, err, ok)
		}
	}
}

func TestLabelsAndMasterKeysGiveUnrelatedKeys(t *testing.T) {
	t.Parallel()
	a, b := box(t), box(t)
	if bytes.Equal(a.Derive("x", 32), a.Derive("y", 32)) || bytes.Equal(a.Derive("x", 32), b.Derive("x", 32)) {
		t.Error("two derived keys are equal")
	}
	if again := a.Fingerprint(); again == b.Fingerprint() || again != a.Fingerprint() {
		t.Error("a fingerprint does not name one master key")
	}
}
