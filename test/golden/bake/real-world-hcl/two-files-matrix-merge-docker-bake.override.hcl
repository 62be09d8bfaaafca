target "a" {
  matrix = { x = ["2","3"] }
  name = "a-${x}"
  args = { Y = x }
}
target "a-2" { tags = ["only2"] }
