"""A saga's trace: its spans (`span`) as a tree (`tree`), what decided how long it took
(`critical`), what that comes to (`measure`), read from a backend (`backend`, `zipkin`, `jaeger`,
`kept`) and drawn (`show` for the terminal, `page` for the browser)."""
