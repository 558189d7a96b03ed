"""Who is asking, and with which roles (connector spec section 4)."""

from trio_connector.api.authentication.authenticator import Authenticator, authenticator

__all__ = ["Authenticator", "authenticator"]
