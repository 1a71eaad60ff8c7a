"""`out/report.html` and `out/report.json`: one file each, with nothing to load from elsewhere."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lab.errors import MissingError
from lab.report import charts
from lab.report.model import MODES, Misbehaviour, Report, Spread
from lab.report.monitoring import VARIANTS, Watched
from lab.report.recovery import with_chaos

FOLDER = Path("out")
TOO_FEW = "too few samples"
ELSEWHERE = "not all of it runs here"
UNTRACED = "none was traced"
UNMEASURED = "none was completed"
MISBEHAVIOUR = {
    "stale_policy": "by payment that ignored a rule",
    "unasked": "by payment that captured unasked",
}


def write(report: Report, folder: Path = FOLDER) -> Path:
    """Both files, with what `bandstand chaos` has left there; the page's path."""
    report = with_chaos(report, folder)
    folder.mkdir(parents=True, exist_ok=True)
    document = msgspec.json.format(msgspec.json.encode(report), indent=2)
    (folder / "report.json").write_bytes(document + b"\n")
    page = folder / "report.html"
    page.write_text(render(report), encoding="utf-8")
    return page


def read(folder: Path = FOLDER) -> Report:
    path = folder / "report.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except FileNotFoundError:
        raise MissingError(f"there is no {path}; `bandstand demo` makes one") from None
    except msgspec.MsgspecError as error:
        raise MissingError(f"{path} is not a report of this version: {error}") from error


def render(report: Report) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, ms=milliseconds, s=seconds, spread=spread)
    environment.filters.update(versions=versions, became=became, percent=percent)
    return environment.get_template("page.html.j2").render(
        report=report,
        missing={"few": TOO_FEW, "elsewhere": ELSEWHERE, "untraced": UNTRACED},
        watched=_watched(report),
        misbehaviour=MISBEHAVIOUR.items(),
        panels=[(each, Markup(charts.panel(each))) for each in report.panels or ()],  # noqa: S704
        modes={mode: report.modes[mode] for mode in MODES if mode in report.modes},
        charts={name: Markup(html) for name, html in _charts(report).items()},  # noqa: S704
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - the library's own source
        style=Markup(Path(__file__).with_name("page.css").read_text()),  # noqa: S704
    )


def number(value: float | None, digits: int = 0, missing: str = TOO_FEW) -> str:
    return missing if value is None else f"{value:,.{digits}f}"


def percent(share: float | None) -> str:
    return TOO_FEW if share is None else f"{share:.0%}"


def versions(slipped: Mapping[str, int]) -> str:
    return ", ".join(f"{version}: {orders:,}" for version, orders in slipped.items()) or "-"


def became(found: Mapping[str, Misbehaviour], fault: str) -> str:
    each = found.get(fault)
    if each is None:
        return "-"
    missed = f", {each.undetected:,} not found" if each.undetected else ""
    return f"{each.prevented:,} prevented, {each.detected:,} found{missed}"


def milliseconds(value: float | None, missing: str = TOO_FEW) -> str:
    """Three significant figures are all that a noisy machine can honestly give."""
    if value is None:
        return missing
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"


def spread(seconds: Spread | None) -> str:
    """Of one value the median is the longest, and is said once."""
    if seconds is None:
        return UNMEASURED
    if seconds.median == seconds.longest:
        return f"{seconds.longest:.1f}"
    return f"{seconds.median:.1f} / {seconds.longest:.1f}"


def seconds(ms: float | None) -> str:
    return "not noticed" if ms is None else f"{ms / 1000:,.1f} s"


def _watched(report: Report) -> list[Watched]:
    """In the order of their columns; empty where the run measured none."""
    monitoring = report.monitoring
    return [monitoring.variants[each] for each in VARIANTS] if monitoring else []


def _charts(report: Report) -> dict[str, str]:
    return {
        "latency": charts.latency_curve(report.modes),
        "steps": charts.steps(report.modes),
        "cpu": charts.cpu(report.modes),
        "switch": charts.switch_timeline(report.switch),
        "faults": charts.fault_cost(report.faults.cost),
    }
