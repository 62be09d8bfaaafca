target "a" {
  matrix = { x = ["1","2"] }
  name = "a-${x}"
  args = { X = x }
}
