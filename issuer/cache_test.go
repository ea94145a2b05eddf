package issuer_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"postern.dev/postern/issuer"
)

func TestACacheHoldsAtMostItsSizeAndKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	const size = 100
	c := issuer.NewCache(size)
	c.Put(c.Generation(), "used", 1)
	for i := range 10 * size {
		if _, ok := c.Get("used"); !ok {
			t.Fatalf("what is used all the time was forgotten after %d others", i)
		}
		c.Put(c.Generation(), fmt.Sprint(i), i)
	}
	if c.Len() != size {
		t.Errorf("it holds %d, want %d", c.Len(), size)
	}
	if wrong := c.Sound(); wrong != "" {
		t.Error(wrong)
	}
}

func TestAValueReadBeforeAnInvalidationDoesNotStick(t *testing.T) {
	t.Parallel()
	for name, invalidate := range map[string]func(*issuer.Cache){
		"of the key":        func(c *issuer.Cache) { c.DropKey("k") },
		"of another key":    func(c *issuer.Cache) { c.DropKey("other") }, // a put lost costs one look-up
		"of what matches":   func(c *issuer.Cache) { c.Drop(func(string, int) bool { return false }) },
		"of everything":     func(c *issuer.Cache) { c.Clear() },
		"twice":             func(c *issuer.Cache) { c.Clear(); c.Clear() },
		"of a missing key":  func(c *issuer.Cache) { c.DropKey("missing") },
		"of it and a reput": func(c *issuer.Cache) { c.DropKey("k"); c.Put(c.Generation(), "k", 2) },
	} {
		c := issuer.NewCache(10)
		gen := c.Generation()
		invalidate(c)
		c.Put(gen, "k", 1)
		if v, ok := c.Get("k"); ok && v == 1 {
			t.Errorf("after an invalidation %s the old value is there", name)
		}
		c.Put(c.Generation(), "k", 3)
		if v, ok := c.Get("k"); !ok || v != 3 {
			t.Errorf("after an invalidation %s a fresh value is not kept: %d, %v", name, v, ok)
		}
	}
}

func TestACacheAnswersAsAMapWould(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	c, want := issuer.NewCache(1000), map[string]int{}
	for i := range 20_000 {
		key := fmt.Sprint(r.IntN(300))
		switch r.IntN(20) {
		case 0:
			c.DropKey(key)
			delete(want, key)
		case 1:
			if r.IntN(50) == 0 {
				c.Clear()
				clear(want)
			}
		case 2:
			odd := func(_ string, v int) bool { return v%7 == 0 }
			c.Drop(odd)
			for k, v := range want {
				if odd(k, v) {
					delete(want, k)
				}
			}
		default:
			c.Put(c.Generation(), key, i)
			want[key] = i
		}
		v, ok := c.Get(key)
		w, there := want[key]
		if v != w || ok != there || c.Len() != len(want) {
			t.Fatalf("step %d: %s is %d, %v, want %d, %v; it holds %d, want %d", i, key, v, ok, w, there, c.Len(), len(want))
		}
		if wrong := c.Sound(); wrong != "" {
			t.Fatalf("step %d: %s", i, wrong)
		}
	}
}

func TestACacheIsSoundUnderConcurrentUse(t *testing.T) {
	t.Parallel()
	c := issuer.NewCache(50)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 5))
			for i := range 5000 {
				key := fmt.Sprint(r.IntN(120))
				switch {
				case i%50 == 0:
					c.DropKey(key)
				case i%777 == 0:
					c.Clear()
				case i%333 == 0:
					c.Drop(func(_ string, v int) bool { return v%2 == 0 })
				case i%3 == 0:
					c.Put(c.Generation(), key, i)
				default:
					c.Get(key)
				}
			}
		})
	}
	all.Wait()
	if wrong := c.Sound(); wrong != "" {
		t.Error(wrong)
	}
}

func BenchmarkCacheGet(b *testing.B) {
	c := issuer.NewCache(20_000)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("client%06d", i)
		c.Put(c.Generation(), keys[i], i)
	}
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			c.Get(keys[i%len(keys)])
		}
	})
}
