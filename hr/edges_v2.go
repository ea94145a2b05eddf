package hr

import (
	"log/slog"
	"time"

	"postern.dev/postern"
)

// The edges of an absence, in version 2. The start is the day with T00:00:00, or with
// T12:00:00 where half of it is left; so is the end.
//
//	read     "starts_from":{"date_time":"2026-03-02T12:00:00","type":"SECOND_HALF"},
//	         "ends_at":{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"}    to the end of the 4th
//	         "ends_at":{"date_time":"2026-03-05T12:00:00","type":"FIRST_HALF"}     to noon of the 5th
//	written  "ends_at":{"date_time":"2026-03-04T00:00:00","type":"SECOND_HALF"}    to the end of the 4th
//	         "ends_at":{"date_time":"2026-03-05T00:00:00","type":"FIRST_HALF"}     to noon of the 5th

// The halves of a day that an edge may be of. A start in the first half is the start of
// the day, an end in the second its end.
const (
	firstHalf  = "FIRST_HALF"
	secondHalf = "SECOND_HALF"
)

// edge is where an absence begins or ends. Of a type counted in hours it has no half.
type edge struct {
	DateTime openText         `json:"date_time"`
	Half     option[openText] `json:"type,omitzero"`
}

// startOf reads a start: of an absence in days the day and which half of it comes first.
func startOf(e edge, t *postern.AbsenceType) (postern.LocalTime, error) {
	l, half, err := readEdge("starts_from", e, t)
	if err != nil || t.Unit == postern.Hours {
		return l, err
	}
	since := l.SinceMidnight()
	switch {
	case since == noon && half == firstHalf, since != 0 && since != noon:
		return 0, noHalf("starts_from", l, t)
	case since == noon || half == secondHalf:
		return l.Date().At(noon), nil
	}
	return l.Date().At(0), nil
}

// endOf reads an end. Of an absence in days it is the last day, or half of it, as the
// switch says; the last minute of a day stands for its end.
func (c *call) endOf(e option[edge], t *postern.AbsenceType) (postern.LocalTime, error) {
	if e.null {
		return 0, nil
	}
	l, half, err := readEdge("ends_at", e.v, t)
	if err != nil || t.Unit == postern.Hours {
		return l, err
	}
	switch since := l.SinceMidnight(); {
	case since >= endOfDay && half != firstHalf:
		return (l.Date() + 1).At(0), nil
	case since == noon && half == secondHalf, since != 0 && since != noon:
		return 0, noHalf("ends_at", l, t)
	case since == noon || half == firstHalf:
		return l.Date().At(noon), nil
	}
	inclusive, exclusive := (l.Date() + 1).At(0), l.Date().At(0)
	to, other := inclusive, exclusive
	if c.is("absence-end", "exclusive") {
		to, other = exclusive, inclusive
	}
	c.Log.LogAttrs(c.ctx, slog.LevelDebug, "end of an absence could be read in two ways", slog.String("request", c.note.ID),
		slog.String("written", string(e.v.DateTime)), slog.String("ends", to.String()), slog.String("not", other.String()))
	return to, nil
}

const (
	noon     = 12 * time.Hour
	endOfDay = 24*time.Hour - time.Minute
)

// readEdge reads the parts of an edge.
func readEdge(name string, e edge, t *postern.AbsenceType) (l postern.LocalTime, half string, err error) {
	if l, err = wallOf(name+".date_time", e.DateTime); err != nil {
		return 0, "", err
	}
	half = string(e.Half.v)
	switch {
	case half != "" && half != firstHalf && half != secondHalf:
		return 0, "", badParam(name+".type", "there is no half %q of a day", postern.Shorten(half, 40)).
			WithHint("use %s or %s, or null", firstHalf, secondHalf)
	case half != "" && t.Unit == postern.Hours:
		return 0, "", unprocessable(badParam(name+".type", "%s is counted in hours and has no halves of days", t.Name).
			WithHint("leave out type, and write the time of the day in date_time"))
	}
	return l, half, nil
}

func noHalf(name string, l postern.LocalTime, t *postern.AbsenceType) error {
	return unprocessable(badParam(name, "%s is counted in days, and %s is neither a day nor half of one", t.Name, l).
		WithHint("write the day with T00:00:00, and type %s or %s for half of it", firstHalf, secondHalf))
}

// startEdge writes a start as startOf reads it. A time that is neither a day nor half of
// one is written as it is, for the other side to refuse.
func startEdge(l postern.LocalTime, t *postern.AbsenceType) edge {
	switch {
	case t.Unit == postern.Hours || l.SinceMidnight()%noon != 0:
		return edge{DateTime: openText(l.String())}
	case !l.Midnight():
		return edge{openText(l.Date().At(0).String()), some[openText](secondHalf)}
	}
	return edge{openText(l.String()), some[openText](firstHalf)}
}

// endEdge writes an end as endOf reads it: of days the last one.
func endEdge(l postern.LocalTime, t *postern.AbsenceType) option[edge] {
	switch {
	case l == 0:
		return null[edge]()
	case t.Unit == postern.Hours || l.SinceMidnight()%noon != 0:
		return some(edge{DateTime: openText(l.String())})
	case !l.Midnight():
		return some(edge{openText(l.Date().At(0).String()), some[openText](firstHalf)})
	}
	return some(edge{openText((l.Date() - 1).At(0).String()), some[openText](secondHalf)})
}

// start reads a start of an answer: noon for a second half, however it is written.
func (e *edge) start() postern.LocalTime {
	l := openWall(e.DateTime)
	if e.Half.v == secondHalf && l.Midnight() {
		return l.Date().At(noon)
	}
	return l
}

// end reads an end of an answer: noon for a first half, however it is written. One that
// would be at or before the start, or in the last minute of a day, is that day's end.
func (e *edge) end(start postern.LocalTime) postern.LocalTime {
	l := openWall(e.DateTime)
	switch {
	case l == 0:
		return 0
	case e.Half.v == firstHalf && l.Midnight():
		return l.Date().At(noon)
	case e.Half.v == secondHalf && (l.SinceMidnight() >= endOfDay || l.Midnight() && l <= start):
		return (l.Date() + 1).At(0)
	}
	return l
}
