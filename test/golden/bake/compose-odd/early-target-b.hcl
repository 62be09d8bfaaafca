target "a" {
  matrix = { x = [target, "b"] }
  name = "a-${x}"
}
