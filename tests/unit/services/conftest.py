"""Hypothesis decides the same way every time: a red build can be looked at tomorrow."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "services",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("services")
