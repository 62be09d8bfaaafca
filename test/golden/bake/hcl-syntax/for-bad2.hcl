target "default" {
  tags = [for x in y]
}
