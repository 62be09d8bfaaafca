variable "A" {
 default = "x"
 description = "the a"
}
variable "N" {
 default = 5
}
variable "U" {}
variable "L" {
 type = list(string)
 default = ["a","b"]
}
variable "M" {
 type = map(number)
 default = {b=2,a=1}
}
variable "NULL" { default = null }
variable "O" {
 type = object({a=string,b=optional(number)})
}
variable "B" { default = true }
variable "ML" { default = "l1\nl2\t<x>" }
variable "T" { type = tuple([string,number]) }
variable "D" {
 default = {a=["x"]}
 description = "tab\there, ünïcode 日本"
}
g = "global"
target "z" { description = "last" }
target "m" {
 name = "m-${x}"
 matrix = { x = ["1","2"] }
 description = "m ${x}"
}
target "_p" {}
target "ml" { description = "one\ntwo" }
group "grp" { targets = ["z","ml"] }
group "e" {
 targets = ["z"]
 description = "explicit"
}
group "_pg" { targets = ["z"] }
