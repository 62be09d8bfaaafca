target "base" {
  name = "x"
}
