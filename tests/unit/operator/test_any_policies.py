"""Whatever happens in whatever order: a bad edit takes nothing away, and all of it ends well."""

from contextlib import suppress

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coordination_operator.errors import Refused, Stale, Unavailable
from coordination_operator.policies import AT_LEISURE
from coordination_operator.policy_reconcile import Policies
from services.policy.rules import check, read_rules
from tests.unit.operator.a_policy_world import POINTS, PolicyWorld, a_rule
from tests.unit.operator.a_world import Killed

NAMES = ("a", "b", "c")
BAD = a_rule("bad", when="order.")
GOOD = (
    a_rule("one"),
    a_rule("two"),
    a_rule("two", when="false"),
    a_rule("stock-first", effect="require", after=["StockReserved"]),
    a_rule("money-first", effect="require", guards="ReserveStock", after=["PaymentAuthorized"]),
)
WRITTEN = st.lists(st.sampled_from((*GOOD, BAD)), max_size=3, unique_by=lambda each: each["name"])


class AnyPolicies(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.world = PolicyWorld()
        self.operator = Policies(self.world)

    # What people do -----------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), written=WRITTEN)
    def apply(self, name, written):
        self.world.apply(name, *written)

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name):
        self.world.delete(name)

    @rule(written=st.lists(st.sampled_from(GOOD[:2]), max_size=1))
    def put_by_somebody_else(self, written):
        self.world.put_by_somebody_else(*written)

    # What happens -------------------------------------------------------------------------------

    @rule(reachable=st.booleans())
    def lose_the_order_service(self, reachable):
        self.world.reachable = reachable

    @rule()
    def lose_an_answer(self):
        self.world.lost_answers = 1

    @rule(deaf=st.booleans())
    def have_nobody_who_writes_events(self, deaf):
        self.world.deaf = deaf

    @rule(where=st.sampled_from(["look", "save", "put", "answer", "tell", "told"]))
    def kill_the_operator(self, where):
        self.world.killed_before = where

    @rule(name=st.sampled_from(["", "one", "two"]))
    def have_an_order_service_that_does_not_take_a_rule(self, name):
        self.world.not_taken = name

    @rule(instance=st.sampled_from(sorted(POINTS)))
    def catch_up(self, instance):
        self.world.heard[instance] = self.world.version

    # What the operator does ---------------------------------------------------------------------

    @rule(times=st.integers(1, 4))
    def go_on(self, times):
        for _ in range(times):
            self.step()

    def step(self):
        before, guarded = set(self.world.in_force), self.guarded()
        try:
            with suppress(Stale, Refused, Unavailable):
                self.operator.once()
        except Killed:
            self.operator = Policies(self.world)
        assert guarded & before <= set(self.world.in_force)

    def guarded(self):
        """The rules that were accepted of objects whose spec is no good now."""
        return {
            each
            for policy in self.world.objects.values()
            if BAD in policy.spec["rules"] and policy.status.accepted
            for each in policy.status.accepted.rules
            if each.name != self.world.not_taken
        }

    # What must always be true -------------------------------------------------------------------

    @invariant()
    def what_is_in_force_goes_together(self):
        if hasattr(self, "world"):
            check(self.world.in_force)

    # What can always be done --------------------------------------------------------------------

    @rule(put_right=st.booleans())
    def end_in_good_weather(self, put_right):
        """Left alone, every object says what has become of it; if all make sense, all are in."""
        world = self.world
        world.reachable, world.killed_before, world.lost_answers, world.deaf = True, "", 0, False
        if world.not_taken:  # only a new operator asks again
            world.not_taken, self.operator = "", Policies(world)
        if put_right:
            for number, name in enumerate(world.objects):
                world.apply(name, a_rule(f"of-{number}"), a_rule(f"also-of-{number}"))
        again = AT_LEISURE
        for _ in range(4):
            again = self.operator.reconcile()
            world.catch_up()
        if not world.objects:
            assert again is None
            assert not world.in_force or world.version not in world.of_objects
            return
        assert again == AT_LEISURE
        for name in world.objects:
            self.assert_it_says_what_has_become_of_it(name, put_right)
        remembered = [world.status(name).accepted for name in sorted(world.objects)]
        assert world.in_force == tuple(rule for each in remembered if each for rule in each.rules)

    def assert_it_says_what_has_become_of_it(self, name, put_right):
        policy, status = self.world.objects[name], self.world.status(name)
        assert status.observed_generation == policy.generation
        assert status.proposed is None
        assert status.unannounced == ()
        assert (name, status.condition("Accepted").reason) in self.world.notes
        assert status.enforcing == "3/3"
        if self.world.told("Accepted", name) == "True/Accepted":
            assert self.world.told("Enforced", name) == "True/AllPoints"
            assert status.accepted.rules == read_rules(policy.spec)
            return
        assert not put_right
        assert self.world.told("Accepted", name) in ("False/RuleRefused", "False/NameTaken")
        assert self.world.told("Enforced", name) == "False/NotAccepted"


TestAnyPolicies = AnyPolicies.TestCase
TestAnyPolicies.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
