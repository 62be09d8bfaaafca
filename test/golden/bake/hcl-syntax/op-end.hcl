target "default" {
  context = 1 +
}
