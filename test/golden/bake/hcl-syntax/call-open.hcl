target "default" {
  context = upper("a"
}
