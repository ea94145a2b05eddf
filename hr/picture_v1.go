package hr

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strconv"

	"postern.dev/postern"
)

// A picture of a person, drawn: the two halves mirror each other, and which squares are
// filled comes from the tenant and the person's number. No real face is in a sandbox.
//
//	GET /v1/company/employees/12/profile-picture/75
//	200 image/png

// The widths of a picture, in pixels.
const defWidth, maxWidth = 256, 1000

func getPicture(c *call) error {
	width := defWidth
	if s := c.r.PathValue("width"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxWidth {
			return invalidField("width", "The width must be between 1 and "+strconv.Itoa(maxWidth)+".")
		}
		width = n
	}
	p, err := c.employee()
	if err != nil {
		return err
	}
	if !p.Picture || !c.shows("profile_picture") {
		return refuse(postern.NotFound, http.StatusNotFound, http.StatusNotFound, "The profile picture was not found.").
			hint("the employee has no picture, or the client may not see it")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture(c.tenant.ID, p.ID, width)); err != nil {
		return err
	}
	c.send(http.StatusOK, "image/png", b.Bytes())
	return nil
}

// picture draws a square of seven by seven fields, of which those at the edge stay
// empty, and each half is the mirror of the other.
func picture(tenant string, id postern.PersonID, width int) image.Image {
	sum := sha256.Sum256([]byte(tenant + "/" + strconv.FormatInt(int64(id), 10)))
	ink := color.RGBA{sum[0] >> 1, sum[1] >> 1, sum[2] >> 1, 0xff} // dark, to be seen on the paper
	img := image.NewPaletted(image.Rect(0, 0, width, width), color.Palette{color.RGBA{0xf4, 0xf4, 0xf4, 0xff}, ink})
	for y := range width {
		row := y * 7 / width
		for x := range width {
			column := min(x, width-1-x) * 7 / width
			if row >= 1 && row <= 5 && column >= 1 && sum[3+row*3+column]&1 == 1 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	return img
}
