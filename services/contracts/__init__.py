"""What others rely on, written down from the code: messages, APIs, settings, metrics.

`python -m services.contracts write` makes the documents anew, `check` compares them.
"""
