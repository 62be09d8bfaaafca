target "default" {
  context = "a"
  context = "b"
}
