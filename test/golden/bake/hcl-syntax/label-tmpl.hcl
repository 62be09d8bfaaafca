target "a${1}" {
}
