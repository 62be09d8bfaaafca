target "default" {
  context = a & b
}
