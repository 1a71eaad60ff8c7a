"""Shipments: arrange (the saga's pivot) or cancel, through a simulated carrier."""
