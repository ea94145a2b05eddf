// Package qr draws a text as a QR code (ISO/IEC 18004), for a camera: in bytes, at the
// lowest level of error correction, up to version 10.
package qr

import (
	"errors"
	"strconv"
	"strings"
)

// MaxText is how long a text may be, in bytes.
const MaxText = 271

// quiet is the margin that a reader wants, in modules.
const quiet = 4

// version is a size of code: its side, and how its codewords are shared out.
type version struct {
	data, check, blocks int   // codewords of data, of error correction in a block, and blocks
	align               []int // centres of the alignment patterns
}

// versions are those of level L (tables 9 and E.1 of the standard).
var versions = []version{
	{19, 7, 1, nil}, {34, 10, 1, []int{6, 18}}, {55, 15, 1, []int{6, 22}}, {80, 20, 1, []int{6, 26}}, {108, 26, 1, []int{6, 30}},
	{136, 18, 2, []int{6, 34}}, {156, 20, 2, []int{6, 22, 38}}, {194, 24, 2, []int{6, 24, 42}}, {232, 30, 2, []int{6, 26, 46}},
	{274, 18, 4, []int{6, 28, 50}},
}

// Path gives a code as the path of an SVG over a square of size units, margin included.
// It fails for a text that is longer than MaxText bytes.
func Path(text string) (size int, path string, err error) {
	g, err := Modules(text)
	if err != nil {
		return 0, "", err
	}
	var b strings.Builder
	for y, row := range g {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			n := 1
			for x+n < len(row) && row[x+n] {
				n++
			}
			b.WriteString("M" + strconv.Itoa(x+quiet) + " " + strconv.Itoa(y+quiet) + "h" + strconv.Itoa(n) + "v1h-" + strconv.Itoa(n) + "z")
			x += n
		}
	}
	return len(g) + 2*quiet, b.String(), nil
}

// Modules gives a code as rows of modules, true for the dark ones, without a margin.
func Modules(text string) ([][]bool, error) {
	for i, v := range versions {
		n := i + 1
		if len(text) <= v.data-2-n/10 { // the head has a nibble more than one byte, from version 10 on two
			return draw(n, v, codewords(n, v, text)), nil
		}
	}
	return nil, errors.New("the text is too long for a code")
}

// codewords gives the data and the error correction of a text, interleaved.
func codewords(n int, v version, text string) []byte {
	var bits []bool
	put := func(value, width int) {
		for i := width - 1; i >= 0; i-- {
			bits = append(bits, value>>i&1 == 1)
		}
	}
	put(4, 4) // bytes
	put(len(text), 8+8*(n/10))
	for i := range len(text) {
		put(int(text[i]), 8)
	}
	put(0, min(4, v.data*8-len(bits)))
	put(0, -len(bits)&7)
	data := make([]byte, 0, v.data)
	for i := 0; i < len(bits); i += 8 {
		var c byte
		for j := range 8 {
			c <<= 1
			if bits[i+j] {
				c |= 1
			}
		}
		data = append(data, c)
	}
	for pad := byte(0xec); len(data) < v.data; pad ^= 0xec ^ 0x11 {
		data = append(data, pad)
	}
	return interleave(v, data)
}

// interleave shares data out over blocks, the shorter ones first, and takes a codeword
// of each in turn.
func interleave(v version, data []byte) (out []byte) {
	var blocks, checks [][]byte
	short, long := v.data/v.blocks, v.data%v.blocks
	for i := range v.blocks {
		n := short
		if i >= v.blocks-long {
			n++
		}
		blocks = append(blocks, data[:n])
		checks = append(checks, remainder(data[:n], v.check))
		data = data[n:]
	}
	for i := range short + 1 {
		for _, b := range blocks {
			if i < len(b) {
				out = append(out, b[i])
			}
		}
	}
	for i := range v.check {
		for _, c := range checks {
			out = append(out, c[i])
		}
	}
	return out
}

// remainder is the Reed-Solomon check of a block: n codewords.
func remainder(data []byte, n int) []byte {
	generator := make([]byte, n) // without its first coefficient, which is 1
	generator[n-1] = 1
	root := byte(1)
	for range n {
		for j := range generator {
			generator[j] = times(generator[j], root)
			if j+1 < n {
				generator[j] ^= generator[j+1]
			}
		}
		root = times(root, 2)
	}
	rest := make([]byte, n)
	for _, d := range data {
		factor := d ^ rest[0]
		copy(rest, rest[1:])
		rest[n-1] = 0
		for j := range rest {
			rest[j] ^= times(generator[j], factor)
		}
	}
	return rest
}

// times multiplies in the field of 256 elements with the polynomial 0x11d.
func times(a, b byte) (p byte) {
	for ; b != 0; b >>= 1 {
		if b&1 != 0 {
			p ^= a
		}
		carry := a & 0x80
		a <<= 1
		if carry != 0 {
			a ^= 0x1d
		}
	}
	return p
}
