"""Lists of records that are tables, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import pandas
    import pyarrow

Record = TypeVar("Record")

#: How many records a notebook shows.
_MOST_SHOWN = 20


class Records(Sequence[Record], Generic[Record]):
    """A list of records of one kind, which cannot be changed."""

    def __init__(self, kind: type[Record], records: Iterable[Record]) -> None:
        self._kind = kind
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Records[Record]:
        if isinstance(index, slice):
            return Records(self._kind, self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Records):
            return bool(self._records == other._records)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._records)

    def __repr__(self) -> str:
        return f"<{len(self)} records of {self._kind.__name__}: {', '.join(self.columns)}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields of a record."""
        return tuple(it.name for it in fields(self._kind))  # type: ignore[arg-type]

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dictionary for each record."""
        return [asdict(it) for it in self._records]  # type: ignore[call-overload]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas table with a row for each record. It takes pandas."""
        import pandas

        return pandas.DataFrame(self.to_dicts(), columns=list(self.columns))

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table with a row for each record. It takes pyarrow."""
        import pyarrow

        rows = self.to_dicts()
        return pyarrow.table({column: [row[column] for row in rows] for column in self.columns})

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(column)}</th>" for column in self.columns)
        shown = self._records[:_MOST_SHOWN]

        def cell(value: object) -> str:
            if isinstance(value, tuple):
                return ", ".join(map(cell, value))
            return "" if value is None else escape(str(value))

        rows = ["".join(f"<td>{cell(getattr(it, column))}</td>" for column in self.columns) for it in shown]
        rest = len(self) - len(shown)
        more = f"<p>and {rest} more</p>" if rest else ""
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
