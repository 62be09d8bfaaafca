target "default" {
  context = a.
}
