package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

type completeCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completeCmd) Help() string {
	return "Examples:\n  source <(postern completion bash)\n  postern completion zsh > ~/.zfunc/_postern\n  postern completion fish > ~/.config/fish/completions/postern.fish"
}

// The scripts ask the program itself for the words, so that they never age.
var completions = map[string]string{
	"bash": `_postern() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(postern complete-words -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _postern postern
`,
	"zsh": `#compdef postern
_postern() {
  local -a words_
  words_=("${(@f)$(postern complete-words -- "${words[@]:1:$CURRENT-2}" 2>/dev/null)}")
  compadd -a words_
}
compdef _postern postern
`,
	"fish": `function __postern_words
  set -l tokens (commandline -opc)
  postern complete-words -- $tokens[2..-1] 2>/dev/null
end
complete -c postern -f -a '(__postern_words)'
`,
}

func (c *completeCmd) Run(_ context.Context, a *app) error {
	_, err := fmt.Fprint(a.stdout, completions[c.Shell])
	return err
}

// wordsCmd prints what can come next after the words so far, a line each.
type wordsCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c *wordsCmd) Run(_ context.Context, a *app) error {
	node := a.model.Node
	for _, w := range c.Words {
		for _, child := range node.Children {
			if child.Name == w {
				node = child
			}
		}
	}
	for _, child := range node.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			fmt.Fprintln(a.stdout, child.Name)
		}
	}
	for n := node; n != nil; n = n.Parent {
		for _, f := range n.Flags {
			if !f.Hidden && !slices.Contains(c.Words, "--"+f.Name) {
				fmt.Fprintln(a.stdout, "--"+f.Name)
			}
		}
	}
	return nil
}
