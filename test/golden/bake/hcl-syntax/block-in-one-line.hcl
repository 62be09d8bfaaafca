target "default" { matrix { } }
