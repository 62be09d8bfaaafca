target "default" {
  context = "\u12"
}
