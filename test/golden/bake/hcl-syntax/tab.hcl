target	"default"	{
	context	=	'x'
}
