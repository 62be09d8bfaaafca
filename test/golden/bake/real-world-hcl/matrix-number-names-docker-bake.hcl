target "a" {
  matrix = { x = [1, 2.0, 1e2], y = [true] }
  name = "a-${x}-${y}"
  args = { X = x, Y = y, Z = x + 1, W = x / 3 }
}
