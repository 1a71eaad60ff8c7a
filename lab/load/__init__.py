"""Load: a seeded mix of orders (`mix`), when they arrive (`schedule`), the door they go through
(`door`), the loops that send them (`loops`) and what became of them (`ends`, `summary`)."""
