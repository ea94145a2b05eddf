package hr

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"postern.dev/postern"
)

// What answers of version 2 have around their objects.
//
//	{"_data":[…],"_meta":{"links":{"self":{"href":"…"},"next":{"href":"…"}}}}

// href is one link.
type href struct {
	Href string `json:"href"`
}

// links is the free part of an object or an answer.
type links struct {
	Links map[string]href `json:"links,omitempty"`
}

// linked makes links of pairs of a name and an address.
func linked(nameHref ...string) *links {
	l := &links{Links: map[string]href{}}
	for i := 0; i+1 < len(nameHref); i += 2 {
		l.Links[nameHref[i]] = href{nameHref[i+1]}
	}
	return l
}

// enclosure is the outside of an answer.
type enclosure struct {
	Data json.RawMessage `json:"_data"`
	Meta *links          `json:"_meta,omitempty"`
}

// created is the answer to what was made.
type created struct {
	ID   string `json:"id"`
	Meta *links `json:"_meta,omitempty"`
}

// url gives the address of a path of ours.
func (c *call) url(path string) string { return c.PublicURL + path }

// list answers with one page; next is Page.Next. paging has to come before it.
func (c *call) list(items any, next string) error {
	data, err := encode(items)
	if err != nil {
		return err
	}
	if bytes.Equal(data, []byte("null")) {
		data = []byte("[]")
	}
	self := c.url(c.r.URL.Path)
	if q := c.r.URL.RawQuery; q != "" {
		self += "?" + q
	}
	meta := linked("self", self)
	if next != "" || c.fault == "loop" {
		link, err := c.next(next)
		if err != nil {
			return err
		}
		meta.Links["next"] = href{link}
	}
	return c.json(http.StatusOK, enclosure{Data: data, Meta: meta})
}

// next makes the link to the page at a position.
func (c *call) next(position string) (string, error) {
	if c.fault == "loop" {
		position = c.page.After
	}
	q := cursorOf(c.Now(), c.page.Limit, position, c.filters)
	sealed := q.seal(&c.CursorKey, c.tenant.ID, c.r.URL.Path)
	if again := c.query.Get("cursor"); c.fault == "loop" && again != "" {
		sealed = again
	}
	if len(sealed) > maxCursor {
		return "", postern.Errorf(postern.Unavailable, "the next page cannot be named in %d bytes", maxCursor)
	}
	query := url.Values{}
	if q.digest {
		for name, v := range c.filters {
			query[name] = v
		}
	}
	query.Set("cursor", sealed)
	query.Set("limit", strconv.Itoa(c.page.Limit))
	link := c.r.URL.Path + "?" + query.Encode()
	switch {
	case c.fault == "foreign":
		return "https://elsewhere.invalid" + link, nil
	case c.fault == "relative" || c.is("next-link", "relative"):
		return link, nil
	}
	return c.url(link), nil
}

// object answers with one object.
func (c *call) object(v any) error {
	if !c.is("single-get", "wrapped") {
		return c.json(http.StatusOK, v)
	}
	data, err := encode(v)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, enclosure{Data: data})
}

// created answers that something was made, and where it is.
func (c *call) created(id, path string) error {
	at := c.url(path)
	c.w.Header().Set("Location", at)
	return c.json(http.StatusCreated, created{ID: id, Meta: linked("self", at)})
}
