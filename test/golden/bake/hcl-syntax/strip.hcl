target "default" {
  context = "a ${~ 1 ~"
}
