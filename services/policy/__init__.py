"""Rules about sagas, as data: read (`rules`), compiled (`cel`, `rulebook`), decided (`bench`).

Also distributed (`reader`), kept (`store`) and judged afterwards from the history alone (`audit`).
"""
