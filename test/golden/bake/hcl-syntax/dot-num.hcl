target "default" {
  context = [1].0.x
}
