shared = "two"
