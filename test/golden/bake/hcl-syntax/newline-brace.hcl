target "default"
{
}
