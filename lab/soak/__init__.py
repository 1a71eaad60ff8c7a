"""A soak: a load for minutes on end, under faults and kills, and what grew meanwhile (`play`)."""
