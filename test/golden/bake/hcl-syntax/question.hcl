target "default" {
  context = true ? 1
}
