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
  local IFS=$'\n' n=$((COMP_CWORD-1)) cur=${COMP_WORDS[COMP_CWORD]}
  if [ "$cur" = = ]; then n=$COMP_CWORD cur=; fi
  COMPREPLY=($(compgen -W "$(postern complete-words -- "${COMP_WORDS[@]:1:n}" 2>/dev/null)" -- "$cur"))
  case ${COMPREPLY[0]} in *=) compopt -o nospace 2>/dev/null;; esac
}
complete -o default -F _postern postern
`,
	"zsh": `#compdef postern
_postern() {
  local -a words_
  words_=("${(@f)$(postern complete-words --current="${words[CURRENT]}" -- "${words[@]:1:$CURRENT-2}" 2>/dev/null)}")
  compadd -S '' -- ${(M)words_:#*=}
  compadd -- ${words_:#*=}
}
compdef _postern postern
`,
	"fish": `function __postern_words
  set -l tokens (commandline -opc)
  postern complete-words --current=(commandline -ct) -- $tokens[2..-1] 2>/dev/null
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
	Words   []string `arg:"" optional:"" passthrough:""`
	Current string   `help:"The word under way."`
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
	if node.Name == "call" && node.Parent == a.model.Node {
		for _, w := range callWords(c.Words[slices.Index(c.Words, node.Name)+1:], c.Current) {
			fmt.Fprintln(a.stdout, w)
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
