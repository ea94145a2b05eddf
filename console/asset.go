package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assets embed.FS

// asset is a file that pages load. Its address has a hash of it, so that browsers may
// keep it for good.
type asset struct {
	kind string
	body []byte
}

// kinds of assets; a file of another kind is not served.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return ""
}

func (s *sheets) readAssets() error {
	s.assets, s.hashed = map[string]asset{}, map[string]string{}
	files, err := assets.ReadDir("assets")
	if err != nil {
		return err
	}
	for _, f := range files {
		body, err := assets.ReadFile("assets/" + f.Name())
		if err != nil {
			return err
		}
		kind := kindOf(f.Name())
		if kind == "" {
			continue
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		s.assets[name], s.hashed[f.Name()] = asset{kind, body}, "/console/assets/"+name
	}
	return nil
}

// asset serves a file, to anybody: there is nothing in it.
func (h *house) asset(w http.ResponseWriter, r *http.Request) {
	h.guard(w)
	a, ok := h.sheets.assets[r.PathValue("name")]
	if !ok {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = w.Write(a.body) // the browser may be gone
}
