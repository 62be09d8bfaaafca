target "a" {
  matrix = { x = toset(["b","a"]) }
  name = "a-${x}"
}
