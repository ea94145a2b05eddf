package hr

import (
	"net/url"
	"time"

	"postern.dev/postern"
)

// Operation is one row of the tables.
type Operation struct{ Method, Path, Scope string }

// Operations lists both tables.
func Operations() []Operation {
	var out []Operation
	for _, r := range append(routesV2(), routesV1()...) {
		out = append(out, Operation{r.method, r.path, r.scope})
	}
	return out
}

// Seal and OpenCursor are the two ends of a cursor.
func Seal(made time.Time, limit int, position string, filters url.Values, key *[32]byte, tenant, path string) string {
	return cursorOf(made, limit, position, filters).seal(key, tenant, path)
}

// OpenCursor gives what was sealed.
func OpenCursor(s string, key *[32]byte, tenant, path string, now time.Time) (limit int, position, filters string, err error) {
	q, err := openCursor(s, key, tenant, path, now)
	return q.limit, q.position, q.filters, err
}

// Buckets lets tests look at the pace.
type Buckets struct{ b *buckets }

// NewBuckets makes empty ones.
func NewBuckets() Buckets { return Buckets{newBuckets()} }

// Take spends a token and gives what is left, and how long to wait when there was none.
func (b Buckets) Take(client, path string, now time.Time) (rate, burst, left int, wait time.Duration) {
	l := b.b.take(client, path, now)
	return l.rate, l.burst, l.left, l.wait
}

// Len counts the buckets.
func (b Buckets) Len() int { return len(b.b.byKey) }

// MaxBuckets bounds them.
const MaxBuckets = maxBuckets

// StatusOf gives the status of an error, and the code that a remote makes of it.
func StatusOf(err error) (status int, back postern.Code) {
	r := rowOf(postern.AsError(err))
	back, _ = codeOfStatus(r.status)
	return r.status, back
}

// DecodePersonBody decodes as a handler does.
func DecodePersonBody(b []byte) (any, error) {
	var w personWrite
	err := decodeStrictly(b, &w)
	return w, err
}

// Moments reads a time of a filter.
func Moments(s string, zone *time.Location) (from, to time.Time, err error) {
	return momentsOf(s, zone)
}
