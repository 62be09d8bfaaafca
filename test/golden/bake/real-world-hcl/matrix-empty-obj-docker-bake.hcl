target "a" {
  matrix = { }
  name = "a"
}
