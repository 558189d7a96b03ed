"""``database``: where an identity and its records are kept (connector spec 2.7, design section 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from trio_connector.settings.section import Section


class DatabaseSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """One SQLite file ``<folder>/<dbName>.sqlite`` per identity."""

    driver: Annotated[
        Literal["sqlite"],
        Meta(description="`sqlite`. `lokijs` is taken as `sqlite`; `mongodb` is refused."),
    ] = "sqlite"
    db_name: Annotated[
        str,
        Meta(
            pattern=r"^(?!\.)[^/\\\x00]{1,200}$",
            description="Name of the identity: another name is another identity. Part of the file name.",
        ),
    ] = "default"
    folder: Annotated[
        str,
        Meta(min_length=1, description="Data folder, relative to the working directory. Created with mode 0700."),
    ] = "./data"
    connection_string: Annotated[
        str | None, Meta(description="Connection string of MongoDB; accepted with a warning and not used.")
    ] = None

    @property
    def folder_path(self) -> Path:
        """The data folder as a path."""
        return Path(self.folder)
