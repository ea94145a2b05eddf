package main

import (
	"context"
	"runtime"
	"runtime/debug"
)

// version is set by the build; a plain `go build` says devel.
var version = "devel"

type versionCmd struct{ asJSON }

func (versionCmd) Help() string { return "Example:\n  postern version --json" }

type versionView struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Revision string `json:"revision,omitempty"`
}

func (c *versionCmd) Run(_ context.Context, a *app) error {
	v := versionView{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	if c.JSON {
		return a.printJSON(v)
	}
	return a.pairs("postern", v.Version, "go", v.Go, "platform", v.Platform, "revision", v.Revision)
}
