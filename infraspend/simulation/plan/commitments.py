"""Which commitment pays for which machine in an hour.

AWS hands reservations and savings plans to whatever runs; who is lucky changes from day to day,
which is why a service's cost moves although nothing of it did. Here a commitment covers whole
machine-hours: larger machines first, drawn by lot among equals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.company import EAST, LINUX
from infraspend.simulation.plan.company_commitments import (
    RESERVATIONS,
    SAVINGS_PLANS,
    Reservation,
    SavingsPlan,
    normalized_units,
)
from infraspend.simulation.plan.company_meters import METERS, Meter
from infraspend.simulation.plan.machines import Running, scaled
from infraspend.simulation.units import ONE, TWENTIETHS, share


@dataclass(frozen=True)
class MachineHour:
    """A machine's hour and what pays for it: a reservation, a savings plan or, None, money."""

    running: Running
    paid_by: Reservation | SavingsPlan | None = None

    def cost(self, hourly: int) -> int:
        """What the part of the hour costs at an hourly rate."""
        return share(hourly, self.running.twentieths, TWENTIETHS)

    @property
    def normalized_usage(self) -> int:
        """Normalized units times hours, in ten-billionths."""
        factor = self.running.machine.instance_type.normalized_units
        return share(factor * ONE, self.running.twentieths, TWENTIETHS)

    @property
    def plan_cost(self) -> int:
        """What the part of the hour takes of a savings plan's commitment."""
        return self.cost(self.running.machine.instance_type.plan_rate)


class Commitments:
    """The reservations and the savings plans of a company of a given size."""

    def __init__(self, chance: Chance, scale: float) -> None:
        self._chance = chance
        self._scale = scale
        self._lots: dict[tuple[object, ...], int] = {}

    def count(self, reservation: Reservation) -> int:
        """How many instances a purchase reserved."""
        return scaled(reservation.count, self._scale)

    def capacity(self, reservation: Reservation) -> int:
        """Normalized units that a reservation offers in an hour, in ten-billionths."""
        return self.count(reservation) * reservation.units_per_reservation * ONE

    def commitment(self, plan: SavingsPlan) -> int:
        """What a savings plan costs in an hour, in units of a dollar."""
        cent = ONE // 100
        return scaled(plan.commitment // cent, self._scale) * cent

    def amortized_upfront(self, plan: SavingsPlan) -> int:
        """The part of it that was paid upfront."""
        return share(self.commitment(plan), plan.upfront_halves, 2)

    def databases(self, hour: datetime) -> dict[Meter, Reservation]:
        """The databases that reservations pay for in an hour; larger ones first."""
        covered = {}
        for reservation in RESERVATIONS:
            left = self.capacity(reservation) if hour >= reservation.bought else 0
            for meter in self._databases_for(reservation, hour):
                needed = normalized_units(meter.instance_type) * ONE
                if needed <= left:
                    covered[meter] = reservation
                    left -= needed
        return covered

    def _databases_for(self, reservation: Reservation, hour: datetime) -> list[Meter]:
        eligible = [
            meter
            for meter in METERS
            if meter.attributes.get("database_engine") == reservation.engine
            and meter.attributes.get("instance_type_family") == reservation.family
        ]
        eligible.sort(
            key=lambda one: (
                -normalized_units(one.instance_type),
                self._chance.draw("lot", hour.date(), one.resource, 0),
            )
        )
        return eligible

    def cover(self, hour: datetime, running: list[Running]) -> list[MachineHour]:
        """Every machine's hour with what pays for it, in the order of `running`."""
        hours = [MachineHour(one) for one in running]
        waiting = [
            index
            for index, one in enumerate(running)
            if not one.machine.is_spot and one.machine.operating_system == LINUX
        ]
        waiting.sort(key=lambda index: self._turn(hour, running[index]))
        for reservation in RESERVATIONS:
            if reservation.engine:
                continue
            left = self.capacity(reservation) if hour >= reservation.bought else 0
            for index in list(waiting):
                machine = running[index].machine
                if machine.region != EAST or machine.instance_type.family != reservation.family:
                    continue
                needed = hours[index].normalized_usage
                if needed <= left:
                    hours[index] = MachineHour(running[index], reservation)
                    waiting.remove(index)
                    left -= needed
        for plan in SAVINGS_PLANS:
            if not plan.is_in_force(hour):
                continue
            left = self.commitment(plan)
            for index in list(waiting):
                needed = hours[index].plan_cost
                if needed <= left:
                    hours[index] = MachineHour(running[index], plan)
                    waiting.remove(index)
                    left -= needed
        return hours

    def _turn(self, hour: datetime, running: Running) -> tuple[int, int]:
        machine = running.machine
        key = (hour.date(), machine.resource_id)
        if key not in self._lots:
            self._lots[key] = self._chance.draw("lot", *key)
        return -machine.instance_type.normalized_units, self._lots[key]
