"""Layouts: how the export of a shop system is mapped and filtered, one YAML file each.

The files stand in config/layouts of the repository; a home's own, config/NAME.yaml or
config/layouts/NAME.yaml, go before those. They are read here and written by people alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ml.home.checked_yaml import Section, described
from ml.home.config_lines import compose, plain_values
from ml.home.errors import CallError
from ml.home.layout import REPOSITORY, Home

SHIPPED = REPOSITORY / "config" / "layouts"
# a value of a delivered column, as YAML may write it; None is an empty cell
CellValue = str | int | float | bool | None
MONEY = {"amount", "deductions", "quantity", "unit_price"}


class LayoutSource(Section):
    """The source section of a layout; a column may be a list of names, of which a file has one."""

    columns: dict[str, str | list[str | list[str]]]
    keep: dict[str, list[CellValue]] = Field(default={})
    drop: dict[str, list[CellValue]] = Field(default={})
    encoding: str | None = None
    timestamp_format: str | None = None
    decimal_separator: str | None = None
    timezone: str | None = None
    times_written_in: str | None = None
    currency: str | None = None
    drop_leading_zeros: bool | None = None
    take_negative_prices: bool | None = None
    amount_is_order_total: bool | None = None


class LayoutFile(Section):
    """A file of a layout: the headers that only this export has together, and how it is read.

    known_by: each entry is a header, or several of which one must be there. zone_column: the
    column that names the zone of the times.
    """

    title: str = Field(min_length=1)
    known_by: list[str | list[str]] = Field(min_length=1)
    zone_column: str | None = None
    source: LayoutSource


@dataclass(frozen=True)
class Layout:
    """A layout by its name, such as shopify."""

    name: str
    file: LayoutFile

    def fits(self, headers: Iterable[str]) -> bool:
        """Whether a file with these headers is such an export."""
        there = set(map(_plain, headers))
        return all(
            any(_plain(one) in there for one in _alternatives(entry))
            for entry in self.file.known_by
        )

    def source_for(self, headers: Iterable[str]) -> dict[str, Any]:
        """The source section for a file with these headers, in its own spelling of them.

        Columns, and filters of columns, that the file does not have are left out.
        """
        delivered = {_plain(header): header for header in reversed(list(headers))}
        section = _without_nothing(self.file.source)
        section["columns"] = _chosen(self.file.source.columns, delivered)
        for key in ("keep", "drop"):
            section[key] = {
                delivered[_plain(column)]: values
                for column, values in section[key].items()
                if _plain(column) in delivered
            }
        return {key: value for key, value in section.items() if value != {}}

    def zone_column(self, headers: Iterable[str]) -> str | None:
        """The delivered column that names the zone of the times."""
        wanted = self.file.zone_column
        found = [one for one in headers if wanted is not None and _plain(one) == _plain(wanted)]
        return found[0] if found else None


def _plain(header: str) -> str:
    """A header by its letters and digits: `Buyer Email` and `buyer-email` are one."""
    return re.sub(r"[\W_]", "", header.casefold())


def _alternatives(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry


def _chosen(
    columns: dict[str, str | list[str | list[str]]], delivered: dict[str, str]
) -> dict[str, Any]:
    """Our name to the first of its names that is delivered; all deductions that are."""

    def first(names: str | list[str] | list[str | list[str]]) -> str | None:
        flat = [names] if isinstance(names, str) else [one for one in names if isinstance(one, str)]
        return next((delivered[_plain(one)] for one in flat if _plain(one) in delivered), None)

    chosen: dict[str, Any] = {}
    for ours, names in columns.items():
        if ours == "deductions":
            entries = [names] if isinstance(names, str) else names
            chosen[ours] = [found for entry in entries if (found := first(entry)) is not None]
        elif (found := first(names)) is not None:
            chosen[ours] = found
    return {ours: yours for ours, yours in chosen.items() if yours != []}


def _without_nothing(section: LayoutSource) -> dict[str, Any]:
    return {key: value for key, value in section.model_dump().items() if value is not None}


def layouts(home: Home) -> list[Layout]:
    """All layouts, those of the home first. Raises CallError for a file that is none."""
    names = dict.fromkeys(path.stem for folder in _folders(home) for path in _files_in(folder))
    return [read_layout(home, name) for name in names]


def recognised(home: Home, headers: list[str]) -> Layout | None:
    """The layout of a file with these headers: of those that fit the one known by most headers."""
    fitting = [layout for layout in layouts(home) if layout.fits(headers)]
    return max(fitting, key=lambda layout: len(layout.file.known_by), default=None)


def read_layout(home: Home, name: str) -> Layout:
    """The layout `name`. Raises CallError when there is none or its file is wrong."""
    found = [path for folder in _folders(home) for path in _files_in(folder) if path.stem == name]
    if not found:
        known = sorted({path.stem for folder in _folders(home) for path in _files_in(folder)})
        raise CallError(
            f"source.layout: there is no layout {name!r}",
            f"use one of {', '.join(known)}, or write config/layouts/{name}.yaml",
        )
    path = found[0]
    shown = home.relative(path)
    root = compose(path.read_text(encoding="utf-8"), shown)
    try:
        return Layout(name, LayoutFile.model_validate(plain_values(root, shown)))
    except ValidationError as error:
        raise described(error, root, shown, LayoutFile) from None


def completed(layout: Layout, source: dict[str, Any]) -> dict[str, Any]:
    """A config's source section with what its layout says where the section is silent.

    A section that names customer, time and money says all of it: its layout is a name then. Else
    columns go one by one, but money is of the section or of the layout; of a column that the
    layout knows by several names the first counts.
    """
    own = source.get("columns")
    own = own if isinstance(own, dict) else {}
    if {"customer_id", "ordered_at"} <= own.keys() and {"amount", "unit_price"} & own.keys():
        return source
    names = _every_name(layout.file.source.columns)
    theirs = layout.source_for([*names, *layout.file.source.keep, *layout.file.source.drop])
    columns = theirs.pop("columns")
    if MONEY & set(own):
        columns = {ours: yours for ours, yours in columns.items() if ours not in MONEY}
    return theirs | source | {"columns": columns | own}


def _every_name(columns: dict[str, str | list[str | list[str]]]) -> list[str]:
    names: list[str] = []
    for entry in columns.values():
        for one in [entry] if isinstance(entry, str) else entry:
            names += _alternatives(one)
    return names


def _folders(home: Home) -> list[Path]:
    return [home.root / "config", home.root / "config" / "layouts", SHIPPED]


def _files_in(folder: Path) -> list[Path]:
    """The files of layouts in a folder; a config is none."""
    return [
        path for path in sorted(folder.glob("*.yaml")) if "known_by:" in path.read_text("utf-8")
    ]
