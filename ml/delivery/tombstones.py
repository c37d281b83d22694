"""Who was forgotten and may not come back. Owns warehouse/tombstones.json, for its owner alone.

The file holds a random salt and, for every forgotten customer, sha256(salt, id) and the moment, and
where refunds name their orders the same hash of the orders. It lies beside the warehouse, so that
a warehouse that was lost or restored keeps nobody in. The hash is fast, because every load asks it
of every distinct customer: what protects short ids from being guessed is the salt, which never
enters the warehouse.
"""

import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import duckdb

from ml.home.errors import CallError, EngineError
from ml.home.files import place_atomically
from ml.home.layout import Home
from ml.warehouse.queries import Queries
from ml.warehouse.tables import has_table

SALT_BYTES = 32
ORDER = "order "
QUERIES = Queries(__file__)


@dataclass(frozen=True)
class Tombstones:
    """The salt (hex) of a home, and digest to moment (UTC, ISO 8601) of who was forgotten.

    orders: digests of their orders, by which refunds that name an order are known.
    """

    salt: str
    forgotten: dict[str, str]
    orders: frozenset[str] = frozenset()

    def digest(self, customer_id: str) -> str:
        """What is kept of a customer. Raises CallError when the id is not text in UTF-8."""
        try:
            return sha256(f"{self.salt}{customer_id}".encode()).hexdigest()
        except UnicodeEncodeError:
            raise CallError(
                "a customer id is not text in UTF-8", "give the ids as UTF-8, one on each line"
            ) from None

    def has(self, customer_id: str) -> bool:
        return self.digest(customer_id) in self.forgotten

    def buried(self, customer_ids: Iterable[str]) -> "Tombstones":
        """These and the given customers; who was forgotten before keeps the moment."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        added = {self.digest(customer_id): now for customer_id in customer_ids}
        return replace(self, forgotten=added | self.forgotten)

    def with_orders(self, order_ids: Iterable[str]) -> "Tombstones":
        """These, and orders of who was forgotten."""
        added = {self.digest(f"{ORDER}{order_id}") for order_id in order_ids}
        return replace(self, orders=self.orders | added)

    def since(self, moment: datetime) -> int:
        """How many customers were forgotten after `moment`."""
        return sum(datetime.fromisoformat(text) > moment for text in self.forgotten.values())

    def ids_among(
        self, con: duckdb.DuckDBPyConnection, customers: str, values: Sequence[object]
    ) -> dict[str, int]:
        """Forgotten customers in the rows of the query `customers`, with their rows.

        customers: SQL of customer_id and delivered_text; either may be what was forgotten, because
        earlier versions took an id as it was written. values: the parameters $1, $2, … of it.
        """
        if not self.forgotten:
            return {}
        salt, digests = f"${len(values) + 1}", f"${len(values) + 2}"
        rows = con.execute(
            f"with ids as (select customer_id, delivered_text, count(*) as row_count"
            f" from ({customers}) where customer_id is not null group by all),"
            f" digests as (select unnest({digests}) as digest)"
            f" select customer_id, sum(row_count)::bigint from ids"
            f" where sha256({salt} || customer_id) in (from digests)"
            f" or sha256({salt} || delivered_text) in (from digests)"
            f" group by customer_id order by customer_id",
            [*values, self.salt, list(self.forgotten)],
        )
        return dict(rows.fetchall())

    def orders_among(self, con: duckdb.DuckDBPyConnection, orders: str) -> set[str]:
        """Orders of forgotten customers in the query `orders`, whose only column is order_id."""
        if not self.orders:
            return set()
        rows = con.execute(
            f"with digests as (select unnest($2) as digest) select order_id from ({orders})"
            f" where sha256($1 || order_id) in (from digests)",
            [f"{self.salt}{ORDER}", list(self.orders)],
        )
        return {order_id for (order_id,) in rows.fetchall()}

    def not_applied(self, con: duckdb.DuckDBPyConnection) -> set[str]:
        """Digests whose customers this warehouse may still hold."""
        known = has_table(con, "raw.tombstones")
        applied = con.execute("select digest from raw.tombstones").fetchall() if known else []
        return set(self.forgotten) - {digest for (digest,) in applied}

    def mark_applied(self, con: duckdb.DuckDBPyConnection) -> None:
        """Note in the warehouse that it holds none of these customers."""
        create_tables(con)
        con.execute("delete from raw.tombstones")
        con.execute(
            "insert into raw.tombstones select unnest(list_sort(?::varchar[]))",
            [list(self.forgotten)],
        )


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """The tables of forgotten customers and of the lines left out for them, where they are not."""
    con.execute(QUERIES["tombstone_tables"])


def read_tombstones(home: Home) -> Tombstones:
    """The home's tombstones; with a new salt and nobody in them before the first `forget`.

    Raises EngineError when the file cannot be read: nobody forgotten may come back by that.
    """
    path = home.tombstones
    if not path.exists():
        return Tombstones(secrets.token_hex(SALT_BYTES), {})
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        orders = frozenset[str](read.get("orders", []))  # files of earlier versions have none
        stones = Tombstones(read["salt"], dict(read["forgotten"]), orders)
        stones.since(datetime.now(UTC))
        if len(bytes.fromhex(stones.salt)) == SALT_BYTES:
            return stones
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise EngineError(
        f"{home.relative(path)}: broken, so it is not known who was forgotten",
        "restore it from a backup",
    )


def write_tombstones(home: Home, stones: Tombstones) -> None:
    """Write the file, readable for its owner alone; on disk before this returns."""
    content = {
        "salt": stones.salt,
        "forgotten": stones.forgotten,
        "orders": sorted(stones.orders),
    }
    text = json.dumps(content, indent=1) + "\n"

    def write(part: os.PathLike[str]) -> None:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)

    place_atomically(home.tombstones, write)
