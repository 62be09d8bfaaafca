target "a" {
  name = "a"
  matrix = { x = ["abc", "b"] }
}
