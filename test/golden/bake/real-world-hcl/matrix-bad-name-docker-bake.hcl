target "base" {
  name = "base.${x}"
  matrix = { x = ["1", "2"] }
}
