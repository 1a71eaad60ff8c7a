"""Faults of servers, networks, replicas and messages as rows of the matrix: which there are
(`kinds`), how each is brought about (`servers`, `network`, `replicas`, `messages`), and played
under a load (`play`)."""
