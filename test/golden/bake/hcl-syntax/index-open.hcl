target "default" {
  context = a[
}
