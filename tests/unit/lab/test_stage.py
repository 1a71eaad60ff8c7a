"""Who plays on a stage leaves its route and its faults as they were."""

from types import SimpleNamespace

import pytest

from lab.demo import stage as stage_module
from lab.demo.stage import AnyStage
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode

NOTHING = Catalogue()
SLOW = Catalogue(3, (Rule(Fault.DELAY, 10.0),))


class Target:
    services, token = ("order", "payment"), "secret"

    def instances(self, service):
        return [f"{service}-0", f"{service}-1"]


@pytest.fixture
def stage(monkeypatch):
    made = AnyStage(Target(), None, None, None)
    made.now = SimpleNamespace(mode=Mode.CHOREOGRAPHY, weight=25)
    made.faults = {"order-0": NOTHING, "order-1": NOTHING, "payment-0": SLOW, "payment-1": NOTHING}

    def switch(_api, mode, weight, _tell):
        made.now = SimpleNamespace(mode=mode, weight=weight)

    monkeypatch.setattr(stage_module, "read_route", lambda _: made.now)
    monkeypatch.setattr(stage_module, "switch", switch)
    monkeypatch.setattr(stage_module, "read_faults", made.faults.get)
    monkeypatch.setattr(
        stage_module,
        "set_faults",
        lambda urls, _token, catalogue: made.faults.update(dict.fromkeys(urls, catalogue)),
    )
    return made


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_route_and_faults_are_given_back_also_by_who_is_interrupted(stage, error):
    before = dict(stage.faults)
    try:
        with stage.given_back():
            assert set(stage.faults.values()) == {NOTHING}
            stage.switch(Mode.ORCHESTRATION)
            stage.set_faults(SLOW)
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    assert (stage.now.mode, stage.now.weight) == (Mode.CHOREOGRAPHY, 25)
    assert stage.faults == before
