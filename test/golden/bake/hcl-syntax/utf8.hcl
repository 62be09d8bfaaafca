target "default" {
  context = "äöü" + 日本 + 𝒳!
}
