"""The dashboard *Compare* without Grafana: a Prometheus beside the stack (`server`), asked what the
panels ask (`drawn`). Where there is no Prometheus, a report goes without."""
