target "default" {
  context = <<E
%{ if true }
E
}
