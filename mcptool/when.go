package mcptool

import (
	"time"

	"postern.dev/postern"
)

// zone gives the time zone that an argument names, or else the one of the caller.
func (c *call) zone(name string) (*time.Location, error) {
	if name == "" {
		var err error
		if name, err = c.Zone(c.ctx, c.who); err != nil {
			return nil, err
		}
	}
	loc, err := postern.ParseZone(name)
	if err != nil {
		e := *postern.AsError(err)
		e.Param = "time_zone"
		return nil, &e
	}
	return loc, nil
}

// day reads the argument param as one day: a date, or a word such as today.
func (c *call) day(param, word string, loc *time.Location) (postern.Date, error) {
	return postern.ParseDate(word)
}
