package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern/store"
)

// lockFrom locks for a minute from the third guess on.
func lockFrom(now time.Time) func(int) time.Time {
	return func(count int) time.Time {
		if count < 3 {
			return time.Time{}
		}
		return now.Add(time.Minute)
	}
}

var guessTests = []test{
	{"guesses are counted by key until they are locked", on(func(t *testing.T, db *store.DB) {
		now := at(1)
		for want := 1; want <= 3; want++ {
			count, wait, err := db.Guess(t.Context(), "a", now, time.Hour, lockFrom(now))
			must(t, err)
			same(t, []any{count, wait}, []any{want, time.Duration(0)})
		}
		count, wait, err := db.Guess(t.Context(), "a", now.Add(time.Second), time.Hour, lockFrom(now))
		must(t, err)
		same(t, []any{count, wait}, []any{3, 59 * time.Second}) // and is not counted
		count, wait, err = db.Guess(t.Context(), "b", now, time.Hour, lockFrom(now))
		must(t, err)
		same(t, []any{count, wait}, []any{1, time.Duration(0)})
		count, wait, err = db.Guess(t.Context(), "a", now.Add(time.Minute), time.Hour, lockFrom(now))
		must(t, err)
		same(t, []any{count, wait}, []any{4, time.Duration(0)})
	})},
	{"a count begins anew after a while, or when it is forgotten", on(func(t *testing.T, db *store.DB) {
		now := at(1)
		guess := func(forget, later time.Duration) int {
			t.Helper()
			now = now.Add(later)
			count, _, err := db.Guess(t.Context(), "a", now, forget, func(int) time.Time { return time.Time{} })
			must(t, err)
			return count
		}
		same(t, []int{guess(time.Hour, 0), guess(time.Hour, time.Hour), guess(time.Hour, time.Hour+time.Millisecond), guess(0, 20*24*time.Hour)}, []int{1, 2, 1, 2})
		must(t, db.ForgetGuesses(t.Context(), "a"))
		must(t, db.ForgetGuesses(t.Context(), "never"))
		same(t, guess(0, 0), 1)
	})},
	{"guesses at once are all counted, and none after the lock", on(func(t *testing.T, db *store.DB) {
		now := at(1)
		var let atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, wait, err := db.Guess(t.Context(), "a", now, time.Hour, lockFrom(now))
				if err != nil {
					t.Error(err)
				} else if wait == 0 {
					let.Add(1)
				}
			})
		}
		wg.Wait()
		same(t, let.Load(), int64(3))
	})},
	{"a network is known until it is not", on(func(t *testing.T, db *store.DB) {
		now := at(1)
		known := func(key string, now time.Time) bool {
			t.Helper()
			yes, err := db.KnownNetwork(t.Context(), key, now)
			must(t, err)
			return yes
		}
		must(t, db.KnowNetwork(t.Context(), "a", now, now.Add(time.Minute)))
		must(t, db.KnowNetwork(t.Context(), "a", now, now.Add(time.Hour)))
		same(t, []bool{known("a", now), known("b", now), known("a", now.Add(59*time.Minute)), known("a", now.Add(time.Hour))}, []bool{true, false, true, false})
		must(t, db.KnowNetwork(t.Context(), "b", now.Add(2*time.Hour), now.Add(3*time.Hour)))
		same(t, known("a", now), false) // what was over is forgotten
	})},
}
