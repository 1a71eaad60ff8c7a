"""What services could not handle: read from the dead-letter topics, chosen, replayed, discarded."""
