"""The dashboards that there are."""

from observability.dashboards.compare import COMPARE
from observability.dashboards.mode import JAZZ_BAND, ORCHESTRA
from observability.dashboards.plumbing import PLUMBING
from observability.dashboards.policy import POLICY
from observability.dashboards.switch import SWITCH

DASHBOARDS = (COMPARE, ORCHESTRA, JAZZ_BAND, SWITCH, PLUMBING, POLICY)
