größe = "x"
target "default" {
  context = größe
}
