"""What our dashboards are made of, on the builders that Grafana keeps: a query, a panel, a board.

Which Prometheus and which trace backend is chosen in Grafana. `MODE` stands in every query about
sagas, so that the drop-down of modes holds for all panels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from urllib.parse import quote

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.builders import prometheus as source
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

Board = model.Dashboard
Panel = timeseries.Panel | table.Panel
Query = source.Dataquery
Rows = Sequence[tuple[str, Sequence[Panel]]]

MODE = 'mode=~"$mode"'
MODES = ("orchestration", "choreography")
COLOURS = {"orchestration": "#4f7fd9", "choreography": "#e0873c"}
COLUMNS, HEIGHT = 24, 8
TRACES = "jaeger"
RUNBOOKS = "docs/runbooks"
FIRING = 'ALERTS{alertname=~"Bandstand.*",alertstate="firing"}'
PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="${datasource}")


def query(expr: str, legend: str, *, exemplars: bool = False) -> Query:
    """`legend` may name labels: `{{mode}}`. An exemplar is a dot that leads to one saga's trace;
    only raw series have them, recorded ones do not."""
    return Query().expr(expr).legend_format(legend).exemplar(exemplars).range()


def by_mode(recorded: str) -> Query:
    return query(f"{recorded}{{{MODE}}}", "{{mode}}")


def quantile(share: float, metric: str, by: str, chosen: str = MODE) -> str:
    """Of a histogram's last minute."""
    buckets = f"rate({metric}_bucket{{{chosen}}}[1m])"
    return f"histogram_quantile({share:g}, sum by ({by}, le) ({buckets}))"


def series(
    title: str, unit: str, queries: Sequence[Query], why: str, *, stacked: bool = False
) -> timeseries.Panel:
    """`why` tells what to read from it. Each mode has one colour, on every panel."""
    mode = options.StackingMode.NORMAL if stacked else options.StackingMode.NONE
    panel = (
        timeseries.Panel()
        .title(title)
        .description(why)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .stacking(common.StackingConfig().mode(mode))
        .fill_opacity(20 if stacked else 0)
        .legend(_legend())
        .tooltip(_tooltip())
    )
    for letter, each in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(each.ref_id(letter))
    for name, colour in COLOURS.items():
        fixed = model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
        panel.override_by_regexp(f"/{name}/", [fixed])
    return panel


def firing() -> table.Panel:
    """What is firing now; an alert's name leads to its runbook."""
    now = query(FIRING, "").instant().format(prometheus_model.PromQueryFormat.TABLE).ref_id("A")
    runbook = {
        "title": "Runbook",
        "url": "${runbooks}/${__data.fields.runbook}.md",
        "targetBlank": True,
    }
    return (
        table.Panel()
        .title("Alerts that are firing")
        .show_header(True)
        .description("Empty is the good case. An alert's name leads to its runbook.")
        .datasource(PROMETHEUS)
        .with_target(now)
        .override_by_name("alertname", [model.DynamicConfigValue("links", [runbook])])
    )


def board(uid: str, title: str, question: str, rows: Rows, *, choose: bool = True) -> Board:
    """`rows` are what stands beside each other, on one scale of time; `choose` offers the modes."""
    made = (
        grafana.Dashboard(f"Bandstand / {title}")
        .uid(f"bandstand-{uid}")
        .description(question)
        .tags(["bandstand"])
        .version(1)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-15m", "now")
        .annotation(_alerts())
        .link(_others())
        .link(_traces())
    )
    for variable in _variables(choose):
        made.with_variable(variable)
    for name, panels in (*rows, ("What is wrong", [firing()])):
        made.with_row(grafana.Row(name))
        for panel in panels:
            made.with_panel(panel.span(COLUMNS // len(panels)).height(HEIGHT))
    return _numbered(made.build())


def queries(built: Board) -> Iterator[tuple[model.Panel, str]]:
    """Each panel with each of its queries."""
    for panel in built.panels or ():
        if isinstance(panel, model.Panel):
            for target in panel.targets or ():
                assert isinstance(target, prometheus_model.Dataquery)
                yield panel, target.expr


def asked(expr: str, modes: Sequence[str] = MODES) -> str:
    """The query as Grafana sends it once modes have been chosen."""
    return expr.replace("$mode", "|".join(modes))


def _numbered(built: Board) -> Board:
    for number, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number
    return built


def _legend() -> common.VizLegendOptions:
    display, bottom = options.LegendDisplayMode.LIST, options.LegendPlacement.BOTTOM
    return common.VizLegendOptions().display_mode(display).placement(bottom).show_legend(True)


def _tooltip() -> common.VizTooltipOptions:
    multi, descending = options.TooltipDisplayMode.MULTI, options.SortOrder.DESCENDING
    return common.VizTooltipOptions().mode(multi).sort(descending)


def _variables(choose: bool) -> Iterator[Variable]:
    yield grafana.DatasourceVariable("datasource").label("Metrics").type("prometheus")
    yield grafana.DatasourceVariable("traces").label("Traces").type(TRACES)
    yield grafana.TextBoxVariable("runbooks").label("Runbooks").default_value(RUNBOOKS)
    if choose:
        modes = grafana.CustomVariable("mode").label("Mode").values(",".join(MODES))
        everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
        yield modes.multi(True).include_all(True).current(everything)


Variable = grafana.DatasourceVariable | grafana.TextBoxVariable | grafana.CustomVariable


def _alerts() -> grafana.AnnotationQuery:
    alerts = grafana.AnnotationQuery().name("Alerts").datasource(PROMETHEUS).expr(FIRING)
    return alerts.enable(True).icon_color("red")


def _others() -> grafana.DashboardLink:
    link = grafana.DashboardLink("bandstand").type(model.DashboardLinkType.DASHBOARDS)
    return link.tags(["bandstand"]).as_dropdown(True).include_vars(True).keep_time(True)


def _traces() -> grafana.DashboardLink:
    """Sagas' traces in Explore, in the trace backend that was chosen."""
    search = {"refId": "A", "queryType": "search", "service": "order", "operation": "saga order"}
    pane = {"datasource": "${traces}", "queries": [search], "range": _hour()}
    panes = quote(json.dumps({"traces": pane}), safe="${}")
    link = grafana.DashboardLink("Traces").type(model.DashboardLinkType.LINK)
    return link.url(f"/explore?schemaVersion=1&panes={panes}").icon("external link")


def _hour() -> Mapping[str, str]:
    return {"from": "now-1h", "to": "now"}
