target "default" {
  context = $x
}
