"""Measuring a stretch of a run from outside: counters, CPU, broker, database, and the question
"where is order X"."""
