target "default" {
  context = "%{endfor}"
}
