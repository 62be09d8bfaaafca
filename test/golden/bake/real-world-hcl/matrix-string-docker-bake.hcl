target "a" {
  matrix = { x = "abc" }
  name = "a-${x}"
}
