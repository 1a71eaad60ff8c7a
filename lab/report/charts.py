"""The report's charts. Colours of text, lines and ground are the page's (its style sheet), so that
one chart serves light and dark."""

from collections.abc import Iterable, Mapping
from typing import Any

import plotly.graph_objects as go

from lab.quantiles import PERCENT, Quantiles
from lab.report.model import MODES, FaultCost, Mode, Stretch, Switch
from lab.report.panels import Drawn

INK = {"orchestration": "#4f7fd9", "choreography": "#e0873c"}
FADED = {"orchestration": "rgba(79,127,217,.18)", "choreography": "rgba(224,135,60,.18)"}
FONT = "system-ui, -apple-system, 'Segoe UI', Inter, Roboto, 'Helvetica Neue', sans-serif"
LAYOUT: Mapping[str, Any] = {
    "template": "none",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "margin": {"l": 56, "r": 16, "t": 12, "b": 48},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "font": {"family": FONT, "size": 13},
    "hovermode": "x unified",
    "xaxis": {"zeroline": False, "automargin": True},
    "yaxis": {"zeroline": False, "automargin": True, "rangemode": "tozero"},
}
TICKS = [digit * 10**power for power in range(6) for digit in (1, 3)]
ROLES = (
    "order",
    "inventory",
    "payment",
    "shipping",
    "notification",
    "orchestrator",
    "postgres",
    "kafka",
)
AXES: Mapping[str, Mapping[str, str]] = {
    "s": {"ticksuffix": " s"},
    "ops": {"ticksuffix": "/s"},
    "percentunit": {"tickformat": "~%"},
    "bytes": {"tickformat": "~s", "ticksuffix": "B"},
}
DASHES = ("solid", "dot", "dash")
CONFIG = {"displayModeBar": False, "responsive": True}


def latency_curve(modes: Mapping[str, Mode]) -> str:
    """Every percentile, not three of them: where the tail begins is the question."""
    figure = _figure("percent of orders", "ms, at most", height=320)
    for mode in _in_order(modes):
        curve = modes[mode].steady.latency_curve_ms
        line = {"color": INK[mode], "width": 2.5}
        percents = list(range(1, len(curve) + 1))
        figure.add_trace(go.Scatter(x=percents, y=curve, name=mode, mode="lines", line=line))
    return _html(figure)


def steps(modes: Mapping[str, Mode]) -> str:
    """A ladder: the dot is the median, the line reaches to the 95th percentile."""
    figure = _figure("ms after the order was placed", "", height=360)
    names = _step_names(modes[mode].steady for mode in _in_order(modes))
    for mode in _in_order(modes):
        known = {step.step: step.ms for step in modes[mode].steady.steps}
        rows = [(name, known[name]) for name in names if name in known and known[name].p50]
        figure.add_trace(
            go.Scatter(
                x=[ms.p50 for _, ms in rows],
                y=[name for name, _ in rows],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(ms) for _, ms in rows],
                    "arrayminus": [0] * len(rows),
                    "thickness": 1.5,
                    "width": 0,
                },
                name=mode,
                mode="markers",
                marker={"color": INK[mode], "size": 9},
            )
        )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    figure.update_layout(hovermode="closest", xaxis_rangemode="tozero")
    return _html(figure)


def cpu(modes: Mapping[str, Mode]) -> str:
    """Which process spends what on one order, process by process."""
    figure = _figure("CPU milliseconds per order", "", height=380)
    for mode in _in_order(modes):
        share = _by_role(modes[mode].burst)
        roles = [role for role in ROLES if role in share]
        figure.add_trace(
            go.Bar(
                x=[share[role] for role in roles],
                y=roles,
                name=mode,
                orientation="h",
                marker={"color": INK[mode]},
            )
        )
    figure.update_layout(barmode="group", bargap=0.35, hovermode="y unified")
    figure.update_yaxes(autorange="reversed")
    return _html(figure)


def switch_timeline(switch: Switch) -> str:
    """Open sagas by mode; each switch is a line, its drain a shade up to the last old saga."""
    figure = _figure("seconds", "open sagas", height=340)
    for mode in MODES:
        figure.add_trace(
            go.Scatter(
                x=switch.timeline.seconds,
                y=switch.timeline.open[mode],
                name=mode,
                mode="lines",
                line={"color": INK[mode], "width": 2, "shape": "hv"},
                fill="tozeroy",
                fillcolor=FADED[mode],
            )
        )
    for moment in switch.moments:
        until = moment.seconds + (moment.last_closed_after or 0)
        figure.add_vrect(
            x0=moment.seconds, x1=until, line_width=0, fillcolor="rgba(128,128,128,.2)"
        )
        figure.add_vline(
            x=moment.seconds,
            line={"color": "rgba(128,128,128,.9)", "width": 1, "dash": "dot"},
            annotation_text=f"to {moment.mode}",
            annotation_position="top left",
            annotation_textangle=-90,
        )
    return _html(figure)


def panel(drawn: Drawn) -> str:
    """As the dashboard draws it. A mode has its colour, so the legend names only what else there
    is to tell apart, once."""
    figure = _figure("", "", height=230)
    names: list[str] = []
    for line in drawn.lines:
        ink = {"color": INK[line.mode]} if line.mode in INK else {}
        name = line.name.replace(line.mode or "", "").strip()
        known = name in names or not name
        names += [] if name in names else [name]
        figure.add_trace(
            go.Scatter(
                x=line.seconds,
                y=line.values,
                name=name or line.name,
                mode="lines",
                line={"width": 2, **ink, "dash": DASHES[names.index(name) % len(DASHES)]},
                showlegend=not known,
            )
        )
    figure.update_xaxes(ticksuffix=" s", rangemode="tozero")
    figure.update_yaxes(**AXES.get(drawn.unit, {}))
    figure.update_layout(margin={"l": 44, "r": 8, "t": 8, "b": 28})
    return _html(figure)


def fault_cost(cost: Mapping[str, FaultCost]) -> str:
    """From the hollow dot, without faults, to the full one, with them; on a logarithmic scale."""
    figure = _figure("ms", "", height=300)
    for mode in _in_order(cost):
        x, y = _spans(mode, cost[mode])
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                name=mode,
                mode="lines+markers",
                line={"color": INK[mode], "width": 2},
                marker={
                    "size": 10,
                    "symbol": ["circle-open", "circle", "circle"] * (len(x) // 3),
                    "color": INK[mode],
                },
            )
        )
    figure.update_xaxes(
        type="log", rangemode="normal", tickvals=TICKS, ticktext=_labels(TICKS), tickangle=0
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(hovermode="closest")
    return _html(figure)


def _spans(mode: str, cost: FaultCost) -> tuple[list[float | None], list[str | None]]:
    """A line for each percentile that both runs can tell; None lifts the pen."""
    x: list[float | None] = []
    y: list[str | None] = []
    for percent in PERCENT:
        without, faulty = (getattr(each, f"p{percent}") for each in (cost.without, cost.faulty))
        if without and faulty:
            x += [without, faulty, None]
            y += [f"p{percent}, {mode}"] * 2 + [None]
    return x, y


def _labels(values: Iterable[float]) -> list[str]:
    return [f"{value:,}" for value in values]


def _figure(x_title: str, y_title: str, height: int) -> Any:
    figure = go.Figure(layout={**LAYOUT, "height": height})
    figure.update_xaxes(title={"text": x_title, "font": {"size": 13}})
    figure.update_yaxes(title={"text": y_title, "font": {"size": 13}})
    return figure


def _html(figure: Any) -> str:
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=CONFIG)
    return html


def _in_order(modes: Mapping[str, Any]) -> list[str]:
    return [mode for mode in MODES if mode in modes]


def _step_names(stretches: Iterable[Stretch]) -> list[str]:
    """In the order in which they usually happen."""
    medians = {step.step: step.ms.p50 or 0.0 for each in stretches for step in each.steps}
    return sorted(medians, key=lambda name: medians[name])


def _reach(ms: Quantiles) -> float:
    return (ms.p95 or ms.p50 or 0.0) - (ms.p50 or 0.0)


def _by_role(stretch: Stretch) -> dict[str, float]:
    """Replicas of a service are one role: `order-0` and `order-1` are order."""
    roles: dict[str, float] = {}
    for process, ms in stretch.cpu_ms_per_order_by_process.items():
        role = process.rpartition("-")[0] or process
        roles[role] = round(roles.get(role, 0.0) + ms, 3)
    return roles
