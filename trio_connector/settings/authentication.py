"""``infrastructure.httpServer.authentication``: who may use the HTTP API (connector spec section 4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from trio_connector.settings.section import OpenSection, Section

ISO_8601 = (
    r"^[+-]?\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?(Z|z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?$"
)


class ApiKey(Section, frozen=True, kw_only=True, rename="camel"):
    """One key of the API, and what its holder may do."""

    key: Annotated[str, Meta(description="The key: at least 30 characters, see the rules above.")]
    enabled: Annotated[bool, Meta(description="Whether the key may be used.")] = True
    description: Annotated[str | None, Meta(description="For people; not used.")] = None
    expires_at: Annotated[
        Annotated[str, Meta(pattern=ISO_8601)] | None,
        Meta(description="The key is refused from this moment on (ISO 8601)."),
    ] = None
    scopes: Annotated[
        tuple[str, ...] | None,
        Meta(description="Roles of the holder, with wildcards, e.g. `core:*`; all when absent, none when empty."),
    ] = None

    @property
    def expires(self) -> datetime | None:
        """The moment of expiry, aware; without a zone it is UTC."""
        if self.expires_at is None:
            return None
        moment = datetime.fromisoformat(self.expires_at)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def usable(self, now: datetime) -> bool:
        """Whether the key is switched on and not expired at ``now`` (aware)."""
        return self.enabled and (self.expires is None or now < self.expires)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles its holder gets (connector spec 4.2): all when no scopes are given."""
        return ("**",) if self.scopes is None else self.scopes


class ApiKeySettings(Section, frozen=True, kw_only=True, rename="camel"):
    """Authentication by a secret in a header."""

    enabled: Annotated[bool | None, Meta(description="Default: whether there is at least one entry in `keys`.")] = None
    header_name: Annotated[str, Meta(min_length=1, description="The header that carries the key.")] = "X-API-KEY"
    keys: Annotated[dict[str, ApiKey], Meta(description="The keys by their id; the id is for people.")] = msgspec.field(
        default_factory=dict
    )

    @property
    def on(self) -> bool:
        """Whether API keys are checked (connector spec 4.1)."""
        return bool(self.keys) if self.enabled is None else self.enabled


class JwtBearerSettings(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Authentication by a signed bearer token of an identity provider (connector spec 4.4)."""

    enabled: Annotated[bool | None, Meta(description="Default: whether the object has any key.")] = None
    audience: Annotated[str | tuple[str, ...] | None, Meta(description="What `aud` must contain; required.")] = None
    issuer_base_url: Annotated[
        str | None, Meta(description="Address of the provider; issuer and keys are discovered from there.")
    ] = msgspec.field(default=None, name="issuerBaseURL")
    issuer: Annotated[str | None, Meta(description="What `iss` must be, when nothing is discovered.")] = None
    jwks_uri: Annotated[str | None, Meta(description="Where the provider's keys are, when not discovered.")] = None
    public_key: Annotated[str | None, Meta(description="The provider's key as PEM, instead of `jwksUri`.")] = None
    secret: Annotated[str | None, Meta(description="Shared secret for the HS algorithms.")] = None
    token_signing_alg: Annotated[str | None, Meta(description="The only signature algorithm to accept.")] = None
    cache_max_age: Annotated[float, Meta(ge=0, description="How long keys are kept, in milliseconds.")] = 600_000
    cooldown_duration: Annotated[
        float, Meta(ge=0, description="Shortest time between two fetches of the keys, in milliseconds.")
    ] = 30_000
    timeout_duration: Annotated[
        float, Meta(gt=0, description="Longest time a fetch from the provider may take, in milliseconds.")
    ] = 5_000
    clock_tolerance: Annotated[float, Meta(ge=0, description="How much the clocks may differ, in seconds.")] = 5
    max_token_age: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Oldest accepted `iat`, in seconds.")
    ] = None
    strict: Annotated[bool, Meta(description="Also require the `typ` that RFC 9068 asks for.")] = False

    @property
    def on(self) -> bool:
        """Whether bearer tokens are checked."""
        return self.enabled is not False


class OidcSettings(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Authentication of people with a browser session (connector spec 4.5)."""

    enabled: Annotated[bool | None, Meta(description="Default: whether the object has any key.")] = None
    issuer_base_url: Annotated[str | None, Meta(description="Address of the provider.")] = msgspec.field(
        default=None, name="issuerBaseURL"
    )
    base_url: Annotated[str | None, Meta(description="Address under which browsers reach this Connector.")] = (
        msgspec.field(default=None, name="baseURL")
    )
    client_id: Annotated[str | None, Meta(description="Our client id at the provider.")] = msgspec.field(
        default=None, name="clientID"
    )
    client_secret: Annotated[str | None, Meta(description="Our client secret at the provider.")] = None
    secret: Annotated[str | None, Meta(description="Encrypts the session cookie.")] = None
    roles_path: Annotated[str | None, Meta(description="Dotted path to the list of roles in the ID token.")] = None

    @property
    def on(self) -> bool:
        """Whether browser sessions are offered."""
        return self.enabled is not False


class AuthenticationSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """Every way to authenticate; several may be on at once."""

    api_key: Annotated[ApiKeySettings, Meta(description="Authentication by API key.")] = ApiKeySettings()
    jwt_bearer: Annotated[
        JwtBearerSettings | None, Meta(description="Authentication by bearer token; off when absent or empty.")
    ] = None
    oidc: Annotated[
        OidcSettings | None, Meta(description="Authentication by browser session; off when absent or empty.")
    ] = None

    @property
    def configured(self) -> bool:
        """Whether at least one method is on (connector spec 4.1)."""
        return (
            self.api_key.on
            or (self.jwt_bearer is not None and self.jwt_bearer.on)
            or (self.oidc is not None and self.oidc.on)
        )

    @property
    def switched_off(self) -> bool:
        """Whether the operator said ``enabled: false`` and left nothing on: no key is made up for them then."""
        refusals = (self.api_key, self.jwt_bearer, self.oidc)
        return not self.configured and any(method is not None and method.enabled is False for method in refusals)
