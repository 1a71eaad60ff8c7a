"""The five participants, the orchestrator and the kit they stand on."""
