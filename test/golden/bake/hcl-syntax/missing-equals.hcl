target "default" {
  context "x"
}
