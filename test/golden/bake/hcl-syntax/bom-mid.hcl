target "default" {
  context = "a"
}
﻿
