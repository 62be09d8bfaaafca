target "base" {
  name = "base-${x}"
  matrix = { x = ["1", "2"] }
  args = { X = x }
}
target "kid" {
  name = "kid-${y}"
  matrix = { y = ["1", "2"] }
  inherits = ["base-${y}"]
  args = { Y = y }
}
target "kid2" { inherits = ["base"] }
