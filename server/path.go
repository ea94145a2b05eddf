package server

import (
	"net/url"
	"strings"
)

// clean says whether the path has its one spelling. Others are refused before the
// mux, which would redirect them, credentials and all, and before a rule in front of
// us and a route of ours can read one address as two: doubled slashes, dot segments,
// backslashes, control characters, and escapes of characters that need none or of
// the slash (RFC 3986 sections 2.3 and 6.2.2).
func clean(u *url.URL) bool {
	p := u.Path
	if p == "" || p[0] != '/' {
		return false
	}
	for i := range len(p) {
		switch c := p[i]; {
		case c < ' ' || c == 0x7f || c == '\\':
			return false
		case c == '/' && !cleanSegment(p[i+1:]):
			return false
		}
	}
	return u.RawPath == "" || cleanEscapes(u.RawPath)
}

// cleanSegment looks at the beginning of rest, which follows a slash.
func cleanSegment(rest string) bool {
	if rest == "" || rest[0] != '/' && rest[0] != '.' {
		return true
	}
	segment, _, _ := strings.Cut(rest, "/")
	return segment != "" && segment != "." && segment != ".."
}

// cleanEscapes fails for an escaped slash or unreserved character in a path that
// net/url could decode.
func cleanEscapes(raw string) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		c := unhex(raw[i+1])<<4 | unhex(raw[i+2])
		if c == '/' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~", c) >= 0 {
			return false
		}
		i += 2
	}
	return true
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
