target "default" {
  context = "${a"
}
