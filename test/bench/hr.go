package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// hrSizes are how many persons a tenant has. Each has ten attendance periods and two
// absences on average.
var hrSizes = []int{120, 10_000, million}

// hrConns is how many connections ask for pages at once: as many as there are readers
// of the database.
const hrConns = 4

// The kinds of page that are measured.
const (
	pageFirst   = "first page of 50 persons"
	pageLast    = "last page of 50 persons"
	pageEmail   = "a person by e-mail"
	pageAbsence = "absences overlapping a week"
	pageTime    = "attendance of a day"
)

var hrPages = []string{pageFirst, pageLast, pageEmail, pageAbsence, pageTime}

// hrRow is one kind of page of one tenant.
type hrRow struct {
	*measured
	Engine string
	People int
	Page   string
}

// walk is a way from the first page of persons to the last.
type walk struct {
	Engine             string
	People, Pages      int
	First, Last, Whole float64 // ms: the median of the first and of the last hundred pages, and of all together
}

// hrName names the rows of a tenant, for the flag.
func hrName(engine string, people int) string {
	return fmt.Sprintf("hr %s persons, %s", thousands(people), engine)
}

// measureHR measures the HR API, a tenant at a time: the large ones need the disk and
// the memory for themselves.
func (h *house) measureHR(ctx context.Context, rep *report) error {
	for _, engine := range engines {
		for _, people := range hrSizes {
			name := hrName(engine, people)
			if !h.only.MatchString(name) || h.quick && people > bulk || engine == "PostgreSQL" && h.settings.postgres == "" {
				continue
			}
			if err := h.measureTenant(ctx, engine, people, rep); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func (h *house) measureTenant(ctx context.Context, engine string, people int, rep *report) error {
	d, who, err := h.prepareTenant(ctx, engine == "PostgreSQL", people)
	if err != nil {
		return err
	}
	defer d.drop()
	p, err := h.serve(ctx, d, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer p.stop()
	answer, err := askOnce(ctx, p.addr, hrAsk.request(nil, &who))
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.lastWords())
	}
	_, rest, _ := strings.Cut(string(answer), oauth2Ask.before)
	token, _, _ := strings.Cut(rest, `"`)
	last, w, err := h.walk(ctx, p.addr, token, people)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.lastWords())
	}
	w.Engine = engine
	rep.Walks = append(rep.Walks, w)
	for _, page := range hrPages {
		m := &measured{Name: hrName(engine, people) + ": " + page, Clients: 1, Asking: 1}
		if err := h.measurePage(ctx, p, hrCrowd(m.Name, page, people, token, last), m); err != nil {
			return fmt.Errorf("%s: %w\n%s", page, err, p.lastWords())
		}
		rep.Pages = append(rep.Pages, hrRow{m, engine, people, page})
	}
	return nil
}

// measurePage lets the floor, which serves the bytes of one such page, and Postern take
// turns.
func (h *house) measurePage(ctx context.Context, p *process, c *crowd, m *measured) error {
	body, err := askOnce(ctx, p.addr, c.requests[0])
	if err != nil {
		return err
	}
	text, err := json.Marshal(floorConfig{Body: body})
	if err != nil {
		return err
	}
	floor, err := h.floor(ctx, bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer floor.stop()
	for n := range h.runs + 1 {
		h.say("run %d of %d: %s", n, h.runs, m.Name)
		var both [2]figures
		for i, server := range []*process{floor, p} {
			if both[i], err = server.measure(ctx, load{addr: server.addr, conns: hrConns, lasts: h.lasts}, c); err != nil {
				return err
			}
		}
		if n == 0 {
			continue // warming up
		}
		m.Floor, m.Postern = append(m.Floor, both[0]), append(m.Postern, both[1])
	}
	return nil
}

// hrCrowd makes the requests for a kind of page. Those that ask for some of many are
// drawn evenly from all.
func hrCrowd(name, page string, people int, token, last string) *crowd {
	c := &crowd{row: row{name: name, ask: ask{before: `"_data":[{`}}}
	add := func(target string) {
		c.requests = append(c.requests, hrRequest(target, token))
		c.numbers = append(c.numbers, len(c.numbers))
	}
	const some = 1000
	switch page {
	case pageFirst:
		add("/v2/persons?limit=50")
	case pageLast:
		add(last)
	case pageEmail:
		for i := range some {
			add("/v2/persons?email=" + url.QueryEscape(hrEmail(i*(people-1)/some+1)))
		}
	case pageAbsence:
		for i := range 50 {
			monday := hrFirst + postern.Date(7*i)
			add(fmt.Sprintf("/v2/absence-periods?limit=50&starts_from.date_time.gte=%sT00:00:00&ends_at.date_time.lte=%sT23:59:59", monday, monday+6))
		}
	case pageTime:
		for i := range 50 {
			add(fmt.Sprintf("/v2/attendance-periods?limit=50&start.date_time.gte=%sT00:00:00&start.date_time.lte=%[1]sT23:59:59", hrFirst+postern.Date(7*i)))
		}
	}
	return c
}

func hrRequest(target, token string) []byte {
	return []byte("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: postern-bench\r\nAccept: application/json\r\n" +
		"Authorization: Bearer " + token + "\r\n\r\n")
}

// walk follows the pages of persons to the last and gives the address of that one.
func (h *house) walk(ctx context.Context, addr, token string, people int) (last string, w walk, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", w, err
	}
	defer func() { _ = conn.Close() }()
	var (
		in    = bufio.NewReaderSize(conn, 64<<10)
		times []float64
		seen  int
		body  []byte
		start = time.Now()
	)
	for target := "/v2/persons?limit=50"; target != ""; {
		if len(times)%1000 == 0 {
			h.say("walking: %s of %s persons", thousands(seen), thousands(people))
		}
		sent := time.Now()
		if _, err := conn.Write(hrRequest(target, token)); err != nil {
			return "", w, err
		}
		if body, err = readAnswer(in, body); err != nil {
			return "", w, err
		}
		times = append(times, millis(time.Since(sent)))
		n, next, err := readPage(body)
		if err != nil {
			return "", w, err
		}
		seen, last, target = seen+n, target, next
	}
	if seen != people {
		return "", w, fmt.Errorf("the walk met %d persons of %d", seen, people)
	}
	n := min(100, len(times))
	return last, walk{People: people, Pages: len(times), First: median(slices.Clone(times[:n])),
		Last: median(slices.Clone(times[len(times)-n:])), Whole: millis(time.Since(start))}, nil
}

// readPage gives how many items a page has and the way to the next.
func readPage(body []byte) (items int, next string, err error) {
	var page struct {
		Data []json.RawMessage `json:"_data"`
		Meta struct {
			Links struct{ Next struct{ Href string } }
		} `json:"_meta"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return 0, "", err
	}
	if page.Meta.Links.Next.Href == "" {
		return len(page.Data), "", nil
	}
	u, err := url.Parse(page.Meta.Links.Next.Href)
	if err != nil {
		return 0, "", err
	}
	return len(page.Data), u.RequestURI(), nil
}

// hrEmail is the address of a person by number, from 1.
func hrEmail(i int) string { return "person" + strconv.Itoa(i) + "@bench.example" }
