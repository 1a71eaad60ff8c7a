"""Asks Prometheus for one number a metric."""

from __future__ import annotations

import msgspec

from coordination_operator.analysis import Sample, needs_stable, promql
from coordination_operator.errors import Unavailable
from coordination_operator.http import Http
from coordination_operator.resources import Analysis, Metric
from services.kit.message import Mode


class _Series(msgspec.Struct):
    value: tuple[float, str]


class _Data(msgspec.Struct, tag_field="resultType", tag="vector"):
    result: list[_Series]


class _Scalar(msgspec.Struct, tag_field="resultType", tag="scalar"):
    result: tuple[float, str]


class _Answer(msgspec.Struct):
    data: _Data | _Scalar


class Prometheus:
    def __init__(self, http: Http, url: str, selector: str = "") -> None:
        self._http = http
        self._url = url
        self._selector = selector

    def samples(self, analysis: Analysis, target: Mode) -> list[Sample]:
        """In the order of the metrics; whatever cannot be had is said in its sample."""
        return [self._sample(metric, analysis.window, target) for metric in analysis.metrics]

    def _sample(self, metric: Metric, window: str, target: Mode) -> Sample:
        try:
            value = self._value(promql(metric, target, window, self._selector))
            if not needs_stable(metric):
                return Sample(value)
            return Sample(value, self._value(promql(metric, target.other, window, self._selector)))
        except Unavailable as error:
            return Sample(error=str(error))

    def _value(self, query: str) -> float | None:
        """None is no data; more than one series is a question that was not thought through."""
        if not self._url:
            raise Unavailable("no Prometheus is configured")
        data = self._http.get(f"{self._url}/api/v1/query", _Answer, query=query).data
        if isinstance(data, _Scalar):
            return float(data.result[1])
        if len(data.result) > 1:
            raise Unavailable(f"{len(data.result)} series instead of one: {query}")
        return float(data.result[0].value[1]) if data.result else None
