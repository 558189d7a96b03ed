"""What a class of content is: a frozen struct whose annotations say how each member is read, checked and printed.

::

    class Mail(Content):
        to: Annotated[tuple[str, ...], ListOf(ADDRESS, (not_empty,))]
        cc: Annotated[tuple[str, ...], ListOf(ADDRESS)] = ()
        subject: Annotated[str, Text(max_length=300)]

The class name is the ``@type``. Members are read in the order of the class body, inherited ones last: the first one
that is wrong is reported. A member with a default may be absent; ``X | None`` with default ``None`` is left out when
printed. ``bool``, ``str`` and ``float`` need no ``Annotated``. Python names are the JSON names in snake case; `Named`
gives another one. Reading is in ``reading.py``, printing in ``writing.py``.
"""

from __future__ import annotations

import inspect
import re
import types
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import msgspec

from trio_connector.content.javascript import index_map
from trio_connector.content.kinds import Flag, Kind, Number, Raw, Reader, Text
from trio_connector.content.object_kinds import Nested

REGISTRY: dict[str, type[Content]] = {}
"""All classes that an ``@type`` can name."""

_PLANS: dict[type[Content], Plan] = {}


@dataclass(frozen=True)
class Named:
    """The JSON name of a member, where it is not the Python name in camel case, and the one it had formerly.

    The former name is understood too, and is written beside the new one where old software reads it.
    """

    name: str
    former: str | None = None


@dataclass(frozen=True)
class Member:
    """One declared member: its JSON name, its Python name, its kind, and whether it may be absent."""

    name: str
    attribute: str
    kind: Kind
    required: bool
    former_name: str | None = None


@dataclass(frozen=True)
class Plan:
    """The members of a class: in reading order, and as they are printed."""

    members: tuple[Member, ...]
    printed: tuple[tuple[str, str, Kind | None], ...]
    """JSON name, Python name, kind (``None`` when the stored value is the JSON); sorted."""
    printed_for_all: tuple[tuple[str, str, Kind | None], ...]
    """The same with the former names."""
    attributes: dict[str, str]


class ContentMeta(msgspec.StructMeta):
    """Freezes and registers the classes of content."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, abstract: bool = False, **config: Any
    ) -> ContentMeta:
        """``abstract`` classes are not known by an ``@type``."""
        config |= {"frozen": True, "kw_only": True}
        cls = super().__new__(mcls, name, bases, namespace, **config)
        if not abstract:
            REGISTRY[name] = cls  # type: ignore[assignment]  # every class with this metaclass is a Content
        return cls


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Content(msgspec.Struct, metaclass=ContentMeta, frozen=True, kw_only=True, abstract=True):
    """A typed JSON object. Immutable; ``msgspec.structs.replace`` makes changed copies (without checking them)."""

    null_members: frozenset[str] = frozenset()
    """JSON names of optional members that came as ``null`` and are printed so again; they read as ``None``."""

    PRINTED_ALONE: ClassVar[bool] = False
    """Whether `_alone` prints the object, not its members."""

    INHERITED_FIRST: ClassVar[bool] = False
    """Whether inherited members are read before those of the class."""

    @property
    def type_name(self) -> str:
        """The ``@type``."""
        return type(self).__name__

    def __getitem__(self, name: str) -> Any:
        """The member with this JSON name, as Python value; ``content["@type"]`` is the type. Raises `KeyError`."""
        if name == "@type":
            return self.type_name
        return getattr(self, plan(type(self)).attributes[name])

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        """``value`` (JSON) before its members are read; must not change what it is given."""
        return value

    def _alone(self, with_type: bool) -> Any:
        """The JSON of an object that is ``PRINTED_ALONE``."""
        raise NotImplementedError

    def _problem(self, reader: Reader) -> str | None:
        """The refusal text of a rule across members, ``None`` when all is fine."""
        return None


class JSONWrapper(Content):
    """JSON without ``@type``, kept verbatim; prints as ``value``."""

    value: Annotated[Any, Raw()]

    PRINTED_ALONE = True

    def _alone(self, with_type: bool) -> Any:
        return self.value

    def __getitem__(self, name: str) -> Any:
        """The member ``name`` of the JSON object; raises `KeyError`."""
        return self.value[name]

    @classmethod
    def of(cls, value: Any) -> JSONWrapper:
        """The wrapper of ``value``; what is no object becomes one (spec 1.2)."""
        members = index_map(value)
        return cls(value={name: item for name, item in members.items() if name not in ("@type", "@version")})


def plan(cls: type[Content]) -> Plan:
    """The members of ``cls``, worked out at the first use."""
    found = _PLANS.get(cls)
    if found is None:
        found = _PLANS[cls] = _make_plan(cls)
    return found


def _make_plan(cls: type[Content]) -> Plan:
    hints = get_type_hints(cls, include_extras=True)
    required = {
        field.name
        for field in msgspec.structs.fields(cls)
        if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    }
    bases = [base for base in cls.__mro__ if base is not Content and issubclass(base, Content)]
    names = [
        name
        for base in (reversed(bases) if cls.INHERITED_FIRST else bases)
        for name in inspect.get_annotations(base)
        if get_origin(hints[name]) is not ClassVar
    ]
    members = tuple(_member(name, hints[name], name in required) for name in dict.fromkeys(names))
    printed = [(member.name, member.attribute, None if member.kind.plain else member.kind) for member in members]
    former = [(m.former_name, m.attribute, None if m.kind.plain else m.kind) for m in members if m.former_name]
    attributes = {member.name: member.attribute for member in members}
    return Plan(
        members, tuple(sorted(printed, key=_by_name)), tuple(sorted(printed + former, key=_by_name)), attributes
    )


def _by_name(printed: tuple[str, str, Kind | None]) -> str:
    return printed[0]


def _member(attribute: str, hint: Any, required: bool) -> Member:
    name = re.sub("_([a-z])", lambda found: found[1].upper(), attribute)
    former = None
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, Named):
                name, former = extra.name, extra.former
        for extra in extras:
            if isinstance(extra, Kind):
                return Member(name, attribute, extra, required, former)
    return Member(name, attribute, _default_kind(hint), required, former)


def _default_kind(hint: Any) -> Kind:
    if hint is bool:
        return Flag()
    if hint is str:
        return Text()
    if hint is float:
        return Number()
    if isinstance(hint, type) and issubclass(hint, Content):
        return Nested(hint)
    raise TypeError(f"no kind of member for {hint!r}")
