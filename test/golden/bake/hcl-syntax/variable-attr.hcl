variable = 1
