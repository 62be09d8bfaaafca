target "default" {
  context = "%{else}"
}
