target "base" {
  name = "base-${z}"
  matrix = { x = ["1", "2"] }
}
