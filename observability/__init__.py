"""What makes the difference visible: rules and alerts (`rules`, tested by `tests`), dashboards
as code (`dashboards`), and Prometheus to try them with (`prometheus`)."""
