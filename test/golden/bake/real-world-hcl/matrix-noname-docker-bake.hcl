target "a" {
  matrix = { x = ["abc"] }
}
