module example.com/system_info

go 1.19
