"""Payments: authorize, void, capture, through a simulated card network."""
