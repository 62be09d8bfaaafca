variable "A" {}
