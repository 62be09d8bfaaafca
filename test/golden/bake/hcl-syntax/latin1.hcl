target "default" {
  context = "é"
}
