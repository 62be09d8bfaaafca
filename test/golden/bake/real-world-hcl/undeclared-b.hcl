target "default" {
  secret = ["id=s,env=HOME"]
}
