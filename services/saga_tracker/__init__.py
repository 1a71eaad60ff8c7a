"""Watches the jazz band from its seat: what a monitoring team builds to know where sagas stand."""
