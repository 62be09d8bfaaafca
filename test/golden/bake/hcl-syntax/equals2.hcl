target "default" {
  context == "a"
}
