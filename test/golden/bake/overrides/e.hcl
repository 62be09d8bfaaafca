target "a" {
 secret=["id=s,env=HOME"]
}
