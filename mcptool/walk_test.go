package mcptool_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern"
)

// reel is a directory whose persons come as a function has them.
type reel struct {
	postern.Directory
	page  func(n int, p postern.Paging) (postern.Page[postern.Person], error)
	calls int
}

func (r *reel) Persons(_ context.Context, q postern.PersonQuery) (postern.Page[postern.Person], error) {
	r.calls++
	return r.page(r.calls, q.Paging)
}

func someone(n int) []postern.Person { return []postern.Person{{ID: postern.PersonID(n)}} }

func TestADirectoryThatGoesInCirclesEndsTheWalk(t *testing.T) {
	t.Parallel()
	r := &reel{page: func(n int, _ postern.Paging) (postern.Page[postern.Person], error) {
		return postern.Page[postern.Person]{Items: someone(n), Next: strconv.Itoa(n % 3)}, nil
	}}
	a := must(t, toolsOver(r, nil), clerk(), "list_persons", nil)
	if r.calls != 4 || len(items(t, a)) != 4 || a.Data["next_cursor"] != nil || a.Data["truncated"] != true || !strings.Contains(a.Text(), "note: the API leads from one page back") {
		t.Errorf("after %d calls: %s", r.calls, a.Text())
	}
}

func TestPagesWithoutAnythingEndAndCanBeContinued(t *testing.T) {
	t.Parallel()
	r := &reel{page: func(n int, p postern.Paging) (postern.Page[postern.Person], error) {
		from, _ := strconv.Atoi(p.After)
		page := postern.Page[postern.Person]{Next: strconv.Itoa(from + 1)}
		if from == 45 {
			return postern.Page[postern.Person]{Items: someone(45)}, nil
		}
		return page, nil
	}}
	tools := toolsOver(r, nil)
	a := must(t, tools, clerk(), "list_persons", nil)
	if r.calls != 40 || len(items(t, a)) != 0 || !strings.Contains(a.Text(), "interrupted") {
		t.Fatalf("after %d calls: %s", r.calls, a.Text())
	}
	if got, _ := everything(t, tools, "list_persons", args{"cursor": a.Data["next_cursor"]}); !slices.Equal(got, []any{"45"}) {
		t.Errorf("got %v, want the one who is far in", got)
	}
}

func TestACallWaitsForAnAPIThatWantsFewerCallsWithinBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what    string
		wait    time.Duration
		refused int // calls that come too early
		want    time.Duration
		works   bool
	}{
		{"no wait stated", 0, 3, 3 * time.Second, true},
		{"a wait stated", 4 * time.Second, 2, 8 * time.Second, true},
		{"a wait that is too long", time.Minute, 1, 0, false},
		{"waits that add up", 4 * time.Second, 9, 8 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &reel{page: func(n int, _ postern.Paging) (postern.Page[postern.Person], error) {
				if n <= tt.refused {
					e := postern.Errorf(postern.TooMany, "the HR API answered 429")
					e.Wait = tt.wait
					return postern.Page[postern.Person]{}, e
				}
				return postern.Page[postern.Person]{Items: someone(1)}, nil
			}}
			began := time.Now()
			_, err := try(t, toolsOver(r, nil), clerk(), "list_persons", nil)
			if took := time.Since(began); took != tt.want || (err == nil) != tt.works {
				t.Errorf("%s: took %s and ended with %v, want %s", tt.what, took, err, tt.want)
			}
			if e := postern.AsError(err); err != nil && (e.Code != postern.TooMany || !strings.Contains(e.Hint, "wait "+tt.wait.String()[:1])) {
				t.Errorf("%s: got %v, hint %q", tt.what, err, e.Hint)
			}
		})
	}
}

func TestACancelledCallAsksNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &reel{page: func(int, postern.Paging) (postern.Page[postern.Person], error) {
			cancel()
			return postern.Page[postern.Person]{}, postern.Errorf(postern.TooMany, "429")
		}}
		began := time.Now()
		_, err := toolsOver(r, nil).Call(ctx, clerk(), "list_persons", nil)
		if r.calls != 1 || time.Since(began) != 0 || err == nil {
			t.Errorf("got %v after %d calls and %s", err, r.calls, time.Since(began))
		}
	})
}

func TestALongWalkSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	var told []string
	_, err := toolsOver(firm(t, crowd(120)...), nil).CallWatched(t.Context(), clerk(), "list_persons", json.RawMessage(`{"limit":500}`),
		func(_ context.Context, done int, what string) { told = append(told, strconv.Itoa(done)+" "+what) })
	if want := []string{"50 persons", "100 persons"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("got %v, %v, want %v", told, err, want)
	}
}
