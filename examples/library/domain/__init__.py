"""What the library is: the standard library and datas.domain only."""
