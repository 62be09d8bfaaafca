target "default" {
  context = "\q"
}
