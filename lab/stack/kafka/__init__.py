"""Kafka for one laptop: a given one, Maven's artifacts under Java, or Docker's image."""
