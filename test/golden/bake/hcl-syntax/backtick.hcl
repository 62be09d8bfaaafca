target "default" {
  context = `x`
}
