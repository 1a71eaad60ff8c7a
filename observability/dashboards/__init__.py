"""Five dashboards, each of which answers a question, as code: `python -m observability.dashboards
write` makes the JSON files next to it, `check` compares them."""
