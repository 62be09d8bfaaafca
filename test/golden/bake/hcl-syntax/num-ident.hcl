target "default" {
  context = 12abc
}
