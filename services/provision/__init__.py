"""Prepares a Kafka on which not everybody may do everything: its topics, and who may do what."""
