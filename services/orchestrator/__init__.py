"""The conductor: `order_saga.py` is the flow, `decide.py` follows it, `engine.py` does the I/O."""
