"""A collection with everything a collection can have."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.domain.collection import Collection, Record


class Note(Record, frozen=True, kw_only=True):
    author: str
    number: int = 0
    folder: str | None = None
    content: Any = None


class NoteDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    id: str
    written_by: str
    number: int


def note_dto(note: Note) -> NoteDTO:
    return NoteDTO(id=note.id, written_by=note.author, number=note.number)


NOTES: Collection[Note] = Collection(
    name="Notes",
    record=Note,
    kind="Note",
    keys={"author": lambda note: note.author, "folder": lambda note: note.folder},
    indexed=("author", "content.@type"),
    prepare=note_dto,
)
