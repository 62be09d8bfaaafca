target "default" {
  context = 1 === 2
}
