"""Moves new sagas from one mode to the other in weighted steps, as a Coordination object asks:
judged by measurements, drained, and rolled back by itself when it hurts."""
