target "a" {
  matrix = { x = {a=1} }
  name = "a-${x}"
}
