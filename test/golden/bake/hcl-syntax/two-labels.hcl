target "a" "b" {
}
