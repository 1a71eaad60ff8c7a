"""A saga's trace: its spans (`span`) as a tree (`tree`), what decided how long it took
(`critical`), what that comes to (`measure`), read from Zipkin (`zipkin`) and drawn (`show`)."""
