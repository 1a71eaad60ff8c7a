"""One schedule, from its seed to the last word: everything at random, then rest, then judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from services.kit.batch import Core
from services.kit.message import Mode, SagaId
from services.kit.relay import Relay
from services.messages import StepHeld
from services.order.heard import HOLDS, Horizon, Places
from services.policy.rules import NO_RULES, RuleSet
from tests.simulator import chaos, front_door
from tests.simulator.broker import Group, Losses, MemoryBroker, MemoryProducer
from tests.simulator.chaos import Chaos, Plan
from tests.simulator.database import Clock, MemorySession, Store
from tests.simulator.policies import held_and_closed
from tests.simulator.replica import Replica
from tests.simulator.repositories import OrderBook, OrderRow
from tests.simulator.services import BLUEPRINTS, TABLES, WORDS
from tests.simulator.trace import Trace

STEPS_PER_ORDER = 60
DEEPEST = 2
MOST_ROUNDS = 600
LONGEST_JUMP_SECONDS = 12.0


class NoRest(AssertionError):
    """There is always something left to do: an order will never end."""


@dataclass(frozen=True)
class Mutation:
    """A bug to plant, so that the simulator can show that it would find it."""

    core: Callable[[Core], Core] = lambda core: core
    session: Callable[[Store], MemorySession] = MemorySession
    relay: Callable[[Any, Any, Any], Relay] = Relay
    producer: Callable[[MemoryBroker, Random, Losses], MemoryProducer] = MemoryProducer


SOUND = Mutation()


class World:
    """Everything there is; no decision is taken but by `random`, so a seed repeats a schedule."""

    def __init__(self, seed: int, mutation: Mutation = SOUND, plan: Plan | None = None) -> None:
        self.random = Random(seed)
        self.plan = plan or chaos.draw(self.random)
        self.seed, self.mutation, self.chaos = seed, mutation, self.plan.chaos
        self.clock = Clock()
        self.trace = Trace(self.clock, self.plan.orders)
        self.note = self.trace.note
        self.broker = MemoryBroker(self.plan.partitions, self.clock.moment)
        self.groups = self._groups()
        self.stores = {
            name: Store(self.clock, tables(self.plan.stocked)) for name, tables in TABLES.items()
        }
        self.replicas = [
            Replica(self, each, number, self.stores[each.service])
            for each in BLUEPRINTS
            for number in range(self.plan.replicas)
        ]
        self.doors = [each for each in self.replicas if each.blueprint.name == "order"]
        self.book.route = replace(self.book.route, mode=self.plan.mode, weight=self.plan.weight)
        self.rule_sets, self.newest_rules = self._rule_sets(), NO_RULES
        self.rules_to_come = list(self.rule_sets.values())
        self.applied_at: dict[int, float] = {}
        self.held_and_lost: list[SagaId] = []
        self.held_and_closed: set[SagaId] = set()
        if self.plan.rules_from_start:
            self._apply_rules()
            self._everybody_hears_of_rules()
        self._to_place = list(self.plan.orders)
        self._to_poison = self.plan.poisons
        self._depth = 0
        self._actions, self._weights = self._possibilities()

    @property
    def book(self) -> OrderBook:
        book: OrderBook = self.stores["order"].own
        return book

    def _groups(self) -> dict[str, Group]:
        groups = {}
        for blueprint in BLUEPRINTS:
            places = self.broker.places(blueprint.topics)
            owners = {place: self.random.randrange(self.plan.replicas) for place in places}
            groups[blueprint.name] = Group(places, owners)
        return groups

    def hits(self, percent: float) -> bool:
        return percent > 0 and self.random.random() * 100 < percent

    def run(self) -> None:
        """Trouble first; then it ends, and everything must come to rest."""
        for _ in range(STEPS_PER_ORDER * len(self.plan.orders)):
            self.step()
        self.come_to_rest()

    def step(self) -> None:
        self.random.choices(self._actions, cum_weights=self._weights)[0]()

    def meanwhile(self) -> None:
        """What others do while one process pauses; that one holds its place."""
        if self._depth == DEEPEST:
            return
        self._depth += 1
        for _ in range(self.random.randint(1, 12)):
            self.step()
        self._depth -= 1

    def _possibilities(self) -> tuple[list[Callable[[], object]], list[float]]:
        plan = self.plan
        weighted: list[tuple[float, Callable[[], object]]] = [
            (40, lambda: self._somebody(lambda r: r.poll(self.random.choice((1, 2, 5))))),
            (25, self._deliver),
            (5, lambda: self._somebody(Replica.resume)),
            (3, lambda: self._somebody(Replica.sweep)),
            (5, lambda: self._somebody(Replica.commit_offsets)),
            (3, lambda: self._somebody(Replica.mind_the_clock)),
            (6, self._place),
            (1, self._cancel),
            (1, self._switch),
            (1, self._poison),
            (2 if plan.patience else 8, self._let_time_pass),
            (1.5 if plan.rebalances else 0, self._rebalance),
            (1 if plan.rebalances else 0, self._read_again),
            (2 if plan.rules else 0, self._apply_rules),
            (6 if plan.rules else 0, lambda: self._somebody(Replica.hear_of_rules)),
            (5 if plan.answers else 0, self._answer),
            (1 if plan.chaos.crash else 0, lambda: self._somebody(Replica.die)),
        ]
        total, cumulative = 0.0, []
        for weight, _ in weighted:
            total += weight
            cumulative.append(total)
        return [action for _, action in weighted], cumulative

    # What can happen -----------------------------------------------------------------------

    def _somebody(self, what: Callable[[Replica], int]) -> None:
        replica = self.random.choice(self.replicas)
        if not replica.busy:
            replica.do(lambda: what(replica))

    def _deliver(self) -> None:
        """A producer has a thread of its own: it works on while its process is busy."""
        waiting = [replica for replica in self.replicas if len(replica.producer)]
        if waiting:
            self.random.choice(waiting).deliver(self.random.choice((1, 3, 10)))

    def _at_a_door(self, what: Callable[[Replica], int]) -> None:
        door = self.random.choice(self.doors)
        if not door.busy:
            door.do(lambda: what(door))

    def _place(self) -> None:
        if self._to_place:
            order = self._to_place.pop()
            self._at_a_door(lambda door: front_door.place(door, order))
            if order.order_id not in self.book.orders:
                self._to_place.append(order)

    def _cancel(self) -> None:
        order = self.random.choice(self.plan.orders)
        self._at_a_door(lambda door: front_door.cancel(door, order))

    def _switch(self) -> None:
        mode, weight = self.random.choice(tuple(Mode)), self.random.choice((0, 50, 100))
        self._at_a_door(lambda door: front_door.switch(door, mode, weight))

    def _answer(self) -> None:
        order = self.random.choice(self.plan.orders)
        said = self.random.choice(("approved", "approved", "declined"))
        self._at_a_door(lambda door: front_door.answer(door, order, said))

    def _rule_sets(self) -> dict[int, RuleSet]:
        """By their versions; the last one is in force at rest."""
        later = self.plan.later_rules
        sets = [self.plan.rules] if self.plan.rules else []
        sets += [] if later is None else [later]
        return {version: RuleSet(version, rules) for version, rules in enumerate(sets, start=1)}

    def _apply_rules(self) -> None:
        if self.rules_to_come:
            self.newest_rules = self.rules_to_come.pop(0)
            self.applied_at[self.newest_rules.version] = self.clock.moment()

    def _everybody_hears_of_rules(self) -> int:
        return sum(replica.hear_of_rules() for replica in self.replicas)

    def _poison(self) -> None:
        if self._to_poison:
            self._to_poison -= 1
            topic = self.random.choice(self.random.choice(list(self.groups.values())).places).topic
            self.note("garbage comes to %s", topic)
            self.broker.append(topic, "nobody", b"\xff not a message", [("ce_id", b"?")])

    def _let_time_pass(self) -> None:
        self.clock.now += self.random.random() ** 3 * LONGEST_JUMP_SECONDS

    def _rebalance(self) -> None:
        """Partitions change hands; their old owner, if it is busy, does not know yet."""
        name, group = self.random.choice(list(self.groups.items()))
        self.note("the group of %s rebalances", name)
        for place in group.places:
            group.owners[place] = self.random.randrange(self.plan.replicas)
        for replica in self.replicas:
            if replica.group is group:
                replica.forget_lost_partitions()

    def _read_again(self) -> None:
        """Somebody resets a group's offset: everything on a partition comes again."""
        group = self.random.choice(list(self.groups.values()))
        place = self.random.choice(group.places)
        group.committed[place] = 0
        for replica in self.replicas:
            if replica.group is group:
                replica.positions.pop(place, None)
                replica.done.pop(place, None)

    def holds_heard_until(self, horizon: Horizon) -> float | None:
        """As the broker would tell: by what the timeline's group has committed."""
        now, group = self.clock.moment(), self.groups["order-timeline"]
        places = [place for place in group.places if place.topic == HOLDS]
        end = {place: self.broker.end(place) for place in places}
        horizon.look(now, Places({}, end, dict(group.committed)))
        return horizon.until

    def note_held_and_lost(self, expired: list[OrderRow]) -> None:
        """Orders that are taken for lost although the broker had been told in time that they are
        held."""
        orders = {row.placed.order_id: row for row in expired}
        for entry in self.broker.entries():
            message = entry.message
            if message is not None and message.type == StepHeld.__name__:
                held, row = WORDS.body(message), orders.get(message.saga_id)
                assert isinstance(held, StepHeld)
                answered = row is not None and row.holds.get(held.rules[0])
                in_time = row is not None and entry.at < row.deadline_at
                if in_time and held.until > self.clock.now and not answered:
                    self.held_and_lost.append(message.saga_id)

    # How it ends ---------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """No more trouble from outside, the faults in force stay: all that is left gets done."""
        self.note("from here on nothing is disturbed")
        self.chaos = Chaos()
        for replica in self.replicas:
            replica.losses = replica.producer.losses = Losses()
        while self.rules_to_come:
            self._apply_rules()
        while self._to_place:
            self._place()
        for _ in range(MOST_ROUNDS):
            if self.plan.answers:
                self._answer()
            if self._round():
                continue
            self.held_and_closed |= held_and_closed(self)
            due = self._next_due()
            if due is None:
                return
            self.clock.now = max(self.clock.now, due)
        raise NoRest(f"no rest at {self.clock.now:.0f} s")

    def _round(self) -> int:
        """Everybody's turn once; 0 means that only time can help."""
        done = self._everybody_hears_of_rules()
        for replica in self.replicas:
            done += replica.do(lambda r=replica: r.poll(5))
            done += replica.do(replica.resume)
            replica.do(replica.mind_the_clock)
            done += replica.do(replica.sweep)
            done += replica.deliver(1_000)
            replica.do(replica.commit_offsets)
        return done

    def _next_due(self) -> float | None:
        """When something is to happen by itself; None when all is over."""
        times = [store.next_due() for store in self.stores.values() if store.parked]
        times += [self.clock.now + 1.0 for store in self.stores.values() if store.outbox]
        for row in self.book.orders.values():
            if not row.closed:
                times.append(row.deadline_at if row.mode is Mode.CHOREOGRAPHY else None)
        times += self._saga_deadlines()
        waiting = [at for at in times if at is not None]
        return min(waiting) + 0.001 if waiting else None

    def _saga_deadlines(self) -> list[float | None]:
        scores = self.stores["orchestrator"].own
        open_orders = {order for order, row in self.book.orders.items() if not row.closed}
        return [at for saga, at in scores.deadlines.items() if saga in open_orders]
