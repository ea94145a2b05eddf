package registrar

import "time"

// CodeAt and StepOf are the second factor, for the numbers of its standard.
func CodeAt(secret []byte, at time.Time) string { return codeAt(secret, at.Unix()/codePeriod) }

// StepOf says of which step a code is.
func StepOf(secret []byte, code string, now time.Time, last int64) (int64, bool) {
	return stepOf(secret, code, now, last)
}
