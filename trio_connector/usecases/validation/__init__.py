"""What the input of every use case must look like, with the ecosystem's exact refusals (runtime spec section 2).

Pure. One module per resource declares the inputs as `Input` constants named after the use case, e.g.
``files.UPLOAD_OWN_FILE``; ``schema`` is the engine behind them. Whoever calls a use case checks first::

    tokens.CREATE_OWN_TOKEN.check({"content": ..., "expiresAt": ..., "ephemeral": False}, circumstances)

An input is the use case's request as JSON values: an absent member is missing, ``None`` is JSON ``null``. Refused input
raises `ValidationFailed` with the first violation, as API users see it. Not here: rules that need stored records.
"""

from trio_connector.usecases.validation.input import Circumstances, Input
from trio_connector.usecases.validation.schema import Schema, Violation

__all__ = ["Circumstances", "Input", "Schema", "Violation"]
