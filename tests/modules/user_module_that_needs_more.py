"""A module whose package needs another one."""

import no_such_package_at_all  # type: ignore[import-not-found]  # that is the point  # noqa: F401
