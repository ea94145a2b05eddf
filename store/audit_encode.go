package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"postern.dev/postern"
)

// The hash of an entry is the unpadded base64url form of the SHA-256 of
//
//	length of tenant, tenant, seq, length of hash before, hash before, length of body, body
//
// where lengths are 4 bytes and seq is 8 bytes, big-endian, and the hash before
// entry 1 is empty. The body is the event as compact JSON, fields in the order of
// appendEvent, without empty ones and without tenant, seq and hash.

// hashLength is that of a hash in base64url.
var hashLength = base64.RawURLEncoding.EncodedLen(sha256.Size)

// appendEntry appends to buf what is hashed of an entry, and then its hash. It says
// where the body begins and ends; the hash follows the body.
func appendEntry(buf []byte, tenant string, seq int64, before []byte, ev *postern.Event) (out []byte, body, end int) {
	start := len(buf)
	buf = appendPlace(buf, tenant, seq, before)
	body = len(buf)
	buf = appendEvent(buf, ev)
	end = len(buf)
	binary.BigEndian.PutUint32(buf[body-4:], uint32(end-body))
	return appendHash(buf, buf[start:]), body, end
}

// appendStored does the same with a body that was stored.
func appendStored(buf []byte, tenant string, seq int64, before, body string) (out []byte, end int) {
	start := len(buf)
	buf = appendPlace(buf, tenant, seq, before)
	binary.BigEndian.PutUint32(buf[len(buf)-4:], uint32(len(body)))
	buf = append(buf, body...)
	end = len(buf)
	return appendHash(buf, buf[start:]), end
}

// appendPlace writes all that comes before a body, whose length is left open.
func appendPlace[T string | []byte](buf []byte, tenant string, seq int64, before T) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(tenant)))
	buf = append(buf, tenant...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(seq))
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(before)))
	buf = append(buf, before...)
	return append(buf, 0, 0, 0, 0)
}

func appendHash(buf, hashed []byte) []byte {
	sum := sha256.Sum256(hashed)
	return base64.RawURLEncoding.AppendEncode(buf, sum[:])
}

// appendEvent writes the body of ev. The columns that events are filtered by come
// first, so that a verifier compares them with the beginning of the body.
func appendEvent(b []byte, ev *postern.Event) []byte {
	b = append(b, '{')
	if at := millis(ev.At); at != 0 {
		b = append(b, `"at":`...)
		b = strconv.AppendInt(b, at, 10)
	}
	b = appendField(b, `"action":`, ev.Action)
	b = appendField(b, `"client_id":`, ev.ClientID)
	b = appendField(b, `"actor":`, ev.Actor)
	b = appendField(b, `"user_id":`, ev.UserID)
	b = appendField(b, `"dialect":`, ev.Dialect)
	b = appendField(b, `"grant":`, ev.Grant)
	b = appendField(b, `"token_id":`, ev.TokenID)
	b = appendField(b, `"scope":`, ev.Scope)
	b = appendField(b, `"audience":`, ev.Audience)
	b = appendField(b, `"key_id":`, ev.KeyID)
	b = appendField(b, `"via":`, ev.Via)
	b = appendField(b, `"source":`, ev.Source)
	b = appendField(b, `"request_id":`, ev.RequestID)
	b = appendField(b, `"code":`, string(ev.Code))
	b = appendField(b, `"cause":`, ev.Cause)
	b = appendField(b, `"object":`, ev.Object)
	b = appendField(b, `"detail":`, ev.Detail)
	return append(b, '}')
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, name...)
	return appendString(b, value)
}

const hexDigits = "0123456789abcdef"

// appendString writes s as encoding/json does without HTML escaping: what is not
// UTF-8 becomes U+FFFD, control characters and U+2028 and U+2029 are escaped.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0 // s[from:i] needs no change
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			b = appendEscaped(b, c)
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[from:i]...), `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[from:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
		default:
			i += size
			continue
		}
		i += size
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
