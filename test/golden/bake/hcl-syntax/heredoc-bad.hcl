target "default" {
  context = <<
abc
}
