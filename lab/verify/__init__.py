"""The invariants: one query each (`*.sql`), and how they are asked (`invariants`)."""
