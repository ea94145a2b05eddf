package qr_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"postern.dev/postern/internal/qr"
)

// A code of version 1 is read back by hand: it has one block, so its data come first.
func TestTheTextCanBeReadBackOutOfACode(t *testing.T) {
	t.Parallel()
	const text = "postern says hello"
	g, err := qr.Modules(text[:17])
	if err != nil {
		t.Fatal(err)
	}
	if len(g) != 21 {
		t.Fatalf("got %d modules a side, want 21", len(g))
	}
	mask := 0 // beside the upper left finder, bits 14 to 10: level and mask, both turned over
	for i, x := range []int{0, 1, 2, 3, 4} {
		if g[8][x] != (0b10101>>(4-i)&1 == 1) {
			mask |= 1 << (4 - i)
		}
	}
	if mask>>3 != 1 {
		t.Fatalf("got level %b, want L", mask>>3)
	}
	if got := read(g, mask&7); got != text[:17] {
		t.Errorf("got %q, want %q", got, text[:17])
	}
}

// read takes the bytes out of a code of version 1.
func read(g [][]bool, mask int) string {
	var bits []bool
	up := true
	for right := 20; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for step := range 21 {
			y := step
			if up {
				y = 20 - step
			}
			for _, x := range []int{right, right - 1} {
				if x == 6 || y == 6 || x < 9 && y < 9 || x > 12 && y < 9 || x < 9 && y > 12 {
					continue
				}
				flip := []bool{(x+y)%2 == 0, y%2 == 0, x%3 == 0, (x+y)%3 == 0, (x/3+y/2)%2 == 0, x*y%2+x*y%3 == 0,
					(x*y%2+x*y%3)%2 == 0, ((x+y)%2+x*y%3)%2 == 0}[mask]
				bits = append(bits, g[y][x] != flip)
			}
		}
		up = !up
	}
	number := func(from, n int) (v int) {
		for _, b := range bits[from : from+n] {
			v <<= 1
			if b {
				v |= 1
			}
		}
		return v
	}
	var out strings.Builder
	for i := range number(4, 8) {
		out.WriteByte(byte(number(12+8*i, 8)))
	}
	return out.String()
}

func TestEveryLengthHasACodeUpToTheLongest(t *testing.T) {
	t.Parallel()
	side := 0
	for n := range qr.MaxText + 1 {
		size, path, err := qr.Path(strings.Repeat("a", n))
		if err != nil || path == "" || size < side || size > 57+8 {
			t.Fatalf("%d bytes: size %d, %v", n, size, err)
		}
		side = size
	}
	if _, _, err := qr.Path(strings.Repeat("a", qr.MaxText+1)); err == nil {
		t.Error("a text that is too long has a code")
	}
}

// Codes of the other versions were read back by a decoder of other people
// (github.com/makiuchi-d/gozxing v0.1.1) when these sums were taken, at every length.
func TestCodesOfEveryVersionAreAsTheyWereRead(t *testing.T) {
	t.Parallel()
	const uri = "otpauth://totp/Postern:ada@example.org?secret=JBSWY3DPEHPK3PXP&issuer=Postern&x="
	for n, want := range map[int]string{30: "b0f2ebe1a410a54a", 50: "956ed29b6c1d3c5a", 77: "8d7395c40e5a5d96", 100: "c72c639700996b36", 130: "858f46f744111562", 150: "6dfe74eb083a06e5", 190: "0c2977b3a314ca95", 230: "3072ea97f5d7ed56", 271: "093be6356e34e1e8"} {
		_, path, err := qr.Path((uri + strings.Repeat("aB3-", 80))[:n])
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(path))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("the code of %d bytes is another one: got %s, want %s", n, got, want)
		}
	}
}
