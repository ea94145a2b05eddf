package hr

import (
	"context"
	"net/http"
	"slices"

	"postern.dev/postern"
)

// What an absence takes of each of its days, in version 2.
//
//	GET /v2/absence-periods/{id}/breakdowns
//	200 {"_data":[{"date":"2026-03-02","effective_duration":{"unit":"DAY","value":1}},…],…}

// maxBreakdowns bounds a page of days, and is its size when none is asked for.
const maxBreakdowns = 28

// breakdownDay is one day of an absence, on the wire.
type breakdownDay struct {
	Date     day              `json:"date"`
	Duration option[duration] `json:"effective_duration,omitzero"`
}

// duration is an amount of days or hours.
type duration struct {
	Unit  openText   `json:"unit"`
	Value openNumber `json:"value"`
}

func breakdownRoutes() []route {
	return []route{{http.MethodGet, absencesPath + "/{id}/breakdowns", readAbsences, listBreakdown}}
}

// listBreakdown gives the days page by page. A page begins after the last date of the
// one before, whatever became of the absence meanwhile.
func listBreakdown(c *call) error {
	id, err := c.uuid()
	if err != nil {
		return err
	}
	paging, err := c.paging(maxBreakdowns, maxBreakdowns)
	if err != nil {
		return err
	}
	days, err := c.dir.Breakdown(c.ctx, id)
	if err != nil {
		return err
	}
	if paging.After != "" {
		after, err := postern.ParseDate(paging.After)
		if err != nil {
			return badCursor() // not reached: we sealed it
		}
		for len(days) > 0 && days[0].Date <= after {
			days = days[1:]
		}
	}
	next := ""
	if len(days) > paging.Limit {
		days = days[:paging.Limit]
		next = days[len(days)-1].Date.String()
	}
	items := make([]breakdownDay, len(days))
	for i, d := range days {
		items[i] = breakdownDay{Date: day(d.Date), Duration: some(duration{openText(d.Unit), openNumber(d.Amount)})}
	}
	return c.list(items, next)
}

// decode reads what a remote answers.
func (w *breakdownDay) decode() postern.AbsenceDay {
	return postern.AbsenceDay{Date: postern.Date(w.Date), Unit: unitOf(w.Duration.v.Unit), Amount: float64(w.Duration.v.Value)}
}

// Breakdown gives every day of an absence, page by page.
func (m *Remote) Breakdown(ctx context.Context, id string) ([]postern.AbsenceDay, error) {
	a := ask{path: absencePath(id) + "/breakdowns"}
	a.limited(postern.Paging{}, maxBreakdowns)
	items, err := everything[breakdownDay](ctx, m, a, postern.MaxBreakdown/maxBreakdowns+1)
	if err != nil {
		return nil, err
	}
	days := make([]postern.AbsenceDay, len(items))
	for i := range items {
		days[i] = items[i].decode()
	}
	slices.SortStableFunc(days, func(a, b postern.AbsenceDay) int { return int(a.Date - b.Date) })
	return days, nil
}
