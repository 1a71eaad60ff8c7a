"""PostgreSQL for one laptop: a given one, a wheel's or the system's binaries, or an image."""
