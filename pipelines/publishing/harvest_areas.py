"""The results of a harvest by area of the library and by round."""

from collections import Counter, defaultdict

import msgspec
from rich.table import Table

from lean_alchemy.pipelines.runtime.storage import Location, table_of

DEPTH = 3
"""The number of parts of a module's name that name its area: `Init.Data.List.Lemmas` is in the area `Init.Data.List`."""


class Area(msgspec.Struct, frozen=True):
    """theorems: number of theorems tried. proved: number of theorems proved, by round."""

    name: str
    theorems: int
    proved: dict[int, int]

    @property
    def share(self) -> float:
        return sum(self.proved.values()) / self.theorems


def areas_of(out: Location) -> list[Area]:
    """The areas of a harvest, the largest first."""
    proved: dict[str, Counter[int]] = defaultdict(Counter)
    for module, number in _rows(out, "proofs", "module", "round"):
        proved[_area(module)][number] += 1
    theorems = Counter({name: rounds.total() for name, rounds in proved.items()})
    theorems.update(_area(module) for module, in _rows(out, "rejects", "module"))
    return [Area(name, count, dict(sorted(proved[name].items()))) for name, count in sorted(theorems.items(), key=lambda a: (-a[1], a[0]))]


def as_table(areas: list[Area]) -> Table:
    """A table of the areas, with a last row for all of them."""
    rounds = range(1, 1 + max((number for area in areas for number in area.proved), default=1))
    table = Table("area", "theorems", "proved", *(f"round {number}" for number in rounds))
    every = Area("all", sum(area.theorems for area in areas), dict(sum((Counter(area.proved) for area in areas), Counter())))
    for area in [*areas, every]:
        table.add_row(area.name, f"{area.theorems:,}", f"{area.share:.0%}", *(f"{area.proved.get(number, 0):,}" for number in rounds))
    return table


def _area(module: str) -> str:
    return ".".join(module.split(".")[:DEPTH])


def _rows(out: Location, table: str, *columns: str) -> list[tuple]:
    values = table_of(out / table).to_table(columns=list(columns)).to_pydict()
    return list(zip(*(values[column] for column in columns), strict=True))
