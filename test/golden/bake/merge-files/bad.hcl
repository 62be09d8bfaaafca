target "t" {
 args = { x = nope }
}
