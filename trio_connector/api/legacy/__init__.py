"""The API of earlier Connectors (spec 08 sections 3 and 6): ``/api/v1`` of 2022, ``/api/v2`` of the 6.x generation.

Old routes have no use cases of their own. Each translates what it is asked into the words of today, has today's route
answer, and translates that answer back; so rules, roles and refusals are today's. A prefix is a `Generation`: its
routes, and how it differs in what concerns every answer.
"""

from trio_connector.api.legacy.generation import Generation
from trio_connector.api.legacy.v1 import V1
from trio_connector.api.legacy.v2 import V2

GENERATIONS: tuple[Generation, ...] = (V1, V2)
"""All that are served, oldest first."""

__all__ = ["GENERATIONS", "V1", "V2", "Generation"]
