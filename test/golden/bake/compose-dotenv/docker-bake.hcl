variable "TAG" { default = "d" }
target "h" { args = { t = TAG } }
