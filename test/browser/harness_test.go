package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screens is where pictures go, for whoever looks at a run; it is not in the repository.
const screens = "../out/screens"

// patience is how long something may take to be seen.
const patience = 2 * time.Minute

// shape is the window of a browser.
type shape struct {
	name          string
	width, height int64
	phone         bool
}

var shapes = []shape{{"desktop", 1280, 900, false}, {"phone", 390, 844, true}}

// chrome finds the browser. Its absence is a failure: a test that is skipped proves nothing.
func chrome(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: run `make test`, or test/provide")
	return ""
}

// window is a browser window at one server. Everything in it has to come from there.
type window struct {
	*testing.T
	ctx    context.Context //nolint:containedctx // a window is one conversation
	origin string
	shape  shape

	mu   sync.Mutex
	woes []string // what the browser complained about
}

// openWindow starts a browser of its own. What it complains about fails the test at its
// end: an error on its console, an exception, or a request to another host.
func openWindow(t *testing.T, origin string, s shape) *window {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chrome(t)), chromedp.NoSandbox,
		chromedp.WindowSize(int(s.width), int(s.height)), chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	w := &window{T: t, ctx: ctx, origin: origin, shape: s}
	view := chromedp.EmulateViewport(s.width, s.height)
	if s.phone {
		view = chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	if err := errors.Join(chromedp.Do(ctx, view), chromedp.Listen(ctx, w.listen)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, woe := range w.woes {
			t.Errorf("the browser complains: %s", woe)
		}
		if t.Failed() {
			w.picture("failed")
		}
	})
	return w
}

func (w *window) listen(ev any) {
	complain := func(format string, args ...any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.woes = append(w.woes, fmt.Sprintf(format, args...))
	}
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		complain("exception: %s", ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			var said []string
			for _, a := range ev.Args {
				said = append(said, string(a.Value))
			}
			complain("console: %s", strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		// A page that answers 401, 403 or 422 is logged as a resource that failed to load.
		if ev.Entry.Level == log.EntryLevelError && !strings.Contains(ev.Entry.Text, "responded with a status of 4") {
			complain("log: %s %s", ev.Entry.Text, ev.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(ev.Request.URL); err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme+"://"+u.Host != w.origin {
			complain("a request to another host: %s", ev.Request.URL)
		}
	}
}

// do carries out actions, or fails the test.
func (w *window) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		where, _ := chromedp.Run(w.ctx, chromedp.Location())
		page, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 3000)`))
		w.Fatalf("%s: %v; the page is %s:\n%s", what, err, where, page)
	}
}

// get asks the page for a value in JavaScript. A page that goes away meanwhile is asked
// again as the next one.
func get[T any](w *window, expression string) (v T) {
	w.Helper()
	w.until(expression, func(ctx context.Context) (bool, error) {
		var err error
		v, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err == nil, err
	})
	return v
}

// until asks again and again, as people look again, or fails the test.
func (w *window) until(what string, done func(context.Context) (bool, error)) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		ok, err := done(ctx)
		if ok {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			page, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 3000)`))
			w.Fatalf("%s: not within %v (%v); the page is %s", what, patience, err, page)
		}
	}
}

// visit goes to a path of the server. Where another page is still on its way, the browser
// may drop the first try.
func (w *window) visit(path string) {
	w.Helper()
	w.until("visit "+path, func(ctx context.Context) (bool, error) {
		err := chromedp.Do(ctx, chromedp.Navigate(w.origin+path), chromedp.WaitReady("body"))
		return err == nil, err
	})
}

// quote writes s as a string of XPath, which has no escapes.
func quote(s string) string {
	if !strings.Contains(s, `'`) {
		return `'` + s + `'`
	}
	return `concat('` + strings.ReplaceAll(s, `'`, `', "'", '`) + `')`
}

// click clicks what people see under a name: a button or a link, as a whole. With
// several of that name it is the last.
func (w *window) click(name string) {
	w.Helper()
	q := quote(name)
	at := `(//button[normalize-space(.)=` + q + `] | //a[normalize-space(.)=` + q + `] | //summary[normalize-space(.)=` + q + `])[last()]`
	w.do("click "+name, chromedp.ScrollIntoView(at), chromedp.Click(at))
}

// field finds the control that a label names.
func field(label string) string {
	q := quote(label)
	return `(//*[@id=//label[starts-with(normalize-space(.), ` + q + `)]/@for] | //label[starts-with(normalize-space(.), ` + q + `)]//*[self::input or self::select or self::textarea])[1]`
}

// empty takes everything out of the control that has the focus. chromedp.Clear changes
// what the control began with, which is not what has been typed since.
func empty(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := chromedp.Evaluate[bool](`(e => (e.value = '', e.dispatchEvent(new Event('input', { bubbles: true }))))(document.activeElement)`)(ctx, t)
	return chromedp.Void{}, err
}

// fill types into the control that a label names, in place of what is there.
func (w *window) fill(label, text string) {
	w.Helper()
	at := field(label)
	w.do("fill "+label, chromedp.ScrollIntoView(at), chromedp.Focus(at), empty, chromedp.SendKeys(at, text))
}

// choose picks an option of the list that a label names, by its value.
func (w *window) choose(label, value string) {
	w.Helper()
	w.do("choose "+value+" of "+label, chromedp.SetValue(field(label), value))
}

// tick clicks the box that a label names.
func (w *window) tick(label string) {
	w.Helper()
	at := field(label)
	w.do("tick "+label, chromedp.ScrollIntoView(at), chromedp.Click(at))
}

// see waits until the page shows a text, in whichever case.
func (w *window) see(text string) {
	w.Helper()
	expression := `document.body?.innerText.toLowerCase().includes(` + jsString(strings.ToLower(text)) + `) ?? false`
	w.until("see "+text, func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
	})
}

// gone waits until the page shows a text no more.
func (w *window) gone(text string) {
	w.Helper()
	expression := `!(document.body?.innerText.toLowerCase().includes(` + jsString(strings.ToLower(text)) + `) ?? true)`
	w.until(text+" is gone", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
	})
}

// text gives what the page shows.
func (w *window) text() string {
	w.Helper()
	return get[string](w, `document.body.innerText`)
}

// value gives what the first element of a selector holds or shows.
func (w *window) value(selector string) string {
	w.Helper()
	w.do("find "+selector, chromedp.WaitReady(selector))
	return strings.TrimSpace(get[string](w, `(e => e.value ?? e.textContent)(document.querySelector(`+jsString(selector)+`))`))
}

// where gives the path that the window is at.
func (w *window) where() string {
	w.Helper()
	return strings.TrimPrefix(get[string](w, `location.href`), w.origin)
}

// fits fails the test when the page is wider than the window, so that people on a phone
// would have to scroll sideways.
func (w *window) fits() {
	w.Helper()
	if wide := get[int64](w, `document.documentElement.scrollWidth`); wide > w.shape.width+1 {
		w.Errorf("%s is %d pixels wide in a window of %d", w.where(), wide, w.shape.width)
	}
}

// picture keeps what the page looks like.
func (w *window) picture(name string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	file := filepath.Join(screens, strings.NewReplacer("/", "-", " ", "-").Replace(w.Name()+"-"+name)+".png")
	if err == nil {
		err = errors.Join(os.MkdirAll(screens, 0o750), os.WriteFile(file, png, 0o600))
	}
	if err != nil {
		w.Logf("no picture of %s: %v", name, err)
	}
}

func jsString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

// submit sends a form off as its button does.
func submit(selector string) chromedp.Action[chromedp.Void] {
	send := chromedp.Evaluate[bool](`(document.querySelector(` + jsString(selector) + `).requestSubmit(), true)`)
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := send(ctx, t)
		return chromedp.Void{}, err
	}
}
