package qr

// grid is a code while it is drawn.
type grid struct {
	size  int
	dark  [][]bool
	fixed [][]bool // modules that are no data
}

func newGrid(size int) *grid {
	g := &grid{size: size, dark: make([][]bool, size), fixed: make([][]bool, size)}
	for i := range size {
		g.dark[i], g.fixed[i] = make([]bool, size), make([]bool, size)
	}
	return g
}

func (g *grid) put(x, y int, dark bool) {
	if x >= 0 && y >= 0 && x < g.size && y < g.size {
		g.dark[y][x], g.fixed[y][x] = dark, true
	}
}

// draw makes the code of the mask that is easiest to read.
func draw(n int, v version, words []byte) [][]bool {
	g := newGrid(17 + 4*n)
	g.patterns(n, v)
	g.data(words)
	best, least := 0, -1
	for mask := range 8 {
		g.mask(mask)
		g.format(mask)
		if p := g.penalty(); least < 0 || p < least {
			best, least = mask, p
		}
		g.mask(mask) // off again
	}
	g.mask(best)
	g.format(best)
	return g.dark
}

// patterns draws what is the same in every code of a version.
func (g *grid) patterns(n int, v version) {
	for i := range g.size {
		g.put(6, i, i%2 == 0)
		g.put(i, 6, i%2 == 0)
	}
	for _, at := range [][2]int{{3, 3}, {g.size - 4, 3}, {3, g.size - 4}} {
		for dy := -4; dy <= 4; dy++ {
			for dx := -4; dx <= 4; dx++ {
				d := max(abs(dx), abs(dy))
				g.put(at[0]+dx, at[1]+dy, d != 2 && d != 4)
			}
		}
	}
	for i, y := range v.align {
		for j, x := range v.align {
			last := len(v.align) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue // a finder is there
			}
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					g.put(x+dx, y+dy, max(abs(dx), abs(dy)) != 1)
				}
			}
		}
	}
	g.format(0) // to keep its place free
	if n >= 7 {
		g.version(n)
	}
}

// version writes the number of the version, with its check (annex D).
func (g *grid) version(n int) {
	rest := n
	for range 12 {
		rest = rest<<1 ^ (rest>>11)*0x1f25
	}
	bits := n<<12 | rest
	for i := range 18 {
		dark := bits>>i&1 == 1
		g.put(g.size-11+i%3, i/3, dark)
		g.put(i/3, g.size-11+i%3, dark)
	}
}

// format writes the level and the mask, with their check (annex C).
func (g *grid) format(mask int) {
	data := 1<<3 | mask // level L
	rest := data
	for range 10 {
		rest = rest<<1 ^ (rest>>9)*0x537
	}
	bits := (data<<10 | rest) ^ 0x5412
	bit := func(i int) bool { return bits>>i&1 == 1 }
	for i := range 6 {
		g.put(8, i, bit(i))
	}
	g.put(8, 7, bit(6))
	g.put(8, 8, bit(7))
	g.put(7, 8, bit(8))
	for i := 9; i < 15; i++ {
		g.put(14-i, 8, bit(i))
	}
	for i := range 8 {
		g.put(g.size-1-i, 8, bit(i))
	}
	for i := 8; i < 15; i++ {
		g.put(8, g.size-15+i, bit(i))
	}
	g.put(8, g.size-8, true)
}

// data writes the codewords in columns of two, up and down from the right.
func (g *grid) data(words []byte) {
	i := 0
	for right := g.size - 1; right >= 1; right -= 2 {
		if right == 6 {
			right = 5
		}
		for step := range g.size {
			y := step
			if (right+1)&2 == 0 {
				y = g.size - 1 - step
			}
			for _, x := range []int{right, right - 1} {
				if !g.fixed[y][x] && i < len(words)*8 {
					g.dark[y][x] = words[i/8]>>(7-i%8)&1 == 1
					i++
				}
			}
		}
	}
}

// mask turns the data modules of a pattern over; twice is not at all.
func (g *grid) mask(mask int) {
	for y := range g.size {
		for x := range g.size {
			if !g.fixed[y][x] && turned(mask, x, y) {
				g.dark[y][x] = !g.dark[y][x]
			}
		}
	}
}

func turned(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	default:
		return ((x+y)%2+x*y%3)%2 == 0
	}
}

// penalty counts what makes a code hard to read: runs, squares, and too much of one
// colour.
func (g *grid) penalty() (p int) {
	dark := 0
	for a := range g.size {
		across, down := 1, 1
		for b := range g.size {
			if g.dark[a][b] {
				dark++
			}
			if b == 0 {
				continue
			}
			p += run(&across, g.dark[a][b] == g.dark[a][b-1]) + run(&down, g.dark[b][a] == g.dark[b-1][a])
			if a > 0 && g.dark[a][b] == g.dark[a][b-1] && g.dark[a][b] == g.dark[a-1][b] && g.dark[a][b] == g.dark[a-1][b-1] {
				p += 3
			}
		}
	}
	all := g.size * g.size
	return p + abs(dark*20-all*10)/all*10
}

// run counts a module of a run and gives what it costs.
func run(n *int, same bool) int {
	if !same {
		*n = 1
		return 0
	}
	*n++
	switch {
	case *n == 5:
		return 3
	case *n > 5:
		return 1
	}
	return 0
}

func abs(n int) int { return max(n, -n) }
