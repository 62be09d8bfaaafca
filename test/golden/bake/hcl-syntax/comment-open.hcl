/* abc
target "default" {}
