"""From files and environment to a checked ``Settings``."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from trio_connector.settings.authentication import ApiKey, ApiKeySettings
from trio_connector.settings.logs import LOG4JS_DEFAULT
from trio_connector.settings.modules import BUILT_IN, LOCATIONS, CommonModuleKeys, ModuleSettings, default_display_name
from trio_connector.settings.older import OLD_API_KEY_ID, in_todays_words
from trio_connector.settings.problems import ConfigurationError
from trio_connector.settings.root import Settings
from trio_connector.settings.rules import broken_rules
from trio_connector.settings.sources import BUNDLED, find_file, merged, read_environment, read_file
from trio_connector.settings.validation import member_path, mistakes

EMBEDDED_DOMAIN = "localhost"
"""What stands in addresses of the embedded Backbone, wherever it listens."""

_COMMON_MODULE_KEYS = frozenset({"enabled", "location", "displayName", "requiredInfrastructure"})


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, what the operator should be told about it, and the files it was read from."""

    settings: Settings
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def load(
    config: Path | None = None, *, environ: Mapping[str, str], now: datetime, folder: Path | None = None
) -> Loaded:
    """Read and check the configuration (connector spec 2.1): environment over file over baked-in defaults.

    ``config`` is the path given on the command line, ``environ`` usually ``os.environ``, ``now`` an aware time that
    decides which API keys are expired, ``folder`` the folder that relative paths start from (the working directory).
    Raises ConfigurationError with every mistake.
    """
    path, warnings = find_file(config, environ, folder or Path.cwd())
    files = [file for file in (BUNDLED, path) if file is not None and file.is_file()]
    if path is not None and path not in files:  # a directory: say why it cannot be read
        files.append(path)
    written: dict[str, Any] = {}
    for file in files:
        written = merged(written, read_file(file))
    environment, old_names = read_environment(environ, top_level_keys())
    try:
        loaded = parse(merged(written, environment), now=now)
    except ConfigurationError as error:
        for note in (*warnings, *([] if files else ["No configuration file was read. Name one with -c."])):
            error.add_note(note)
        raise
    return msgspec.structs.replace(loaded, warnings=(*warnings, *old_names, *loaded.warnings), files=tuple(files))


def parse(written: Mapping[str, Any], *, now: datetime) -> Loaded:
    """Check a configuration that is already an object (plain JSON data), and complete it with the defaults.

    Raises ConfigurationError with every mistake.
    """
    sections, misplaced = _without_misplaced(dict(written), _OUTLINE, "instance")
    config, old_api_key, warnings = in_todays_words(sections)
    config = merged(_defaults(config), config)
    _derive_backbone(config, warnings)
    _exclude_sync_and_sse(config, warnings)
    _force_modules(config)
    modules: dict[str, Any] = config.pop("modules")

    problems = [f"{where} is not of a type(s) object" for where in misplaced]
    problems += [text for text in _single_mistakes(config) if not text.startswith(tuple(misplaced))]
    for name, module in modules.items():
        problems += _module_mistakes(name, module, warnings)
    if problems:
        raise ConfigurationError(problems)

    server = config["infrastructure"]["httpServer"]
    for method in ("jwtBearer", "oidc"):
        if server["authentication"].get(method) == {}:
            del server["authentication"][method]
    listen_everywhere_if_protected = "host" not in server
    if isinstance(server.get("port"), str):
        server["port"] = int(server["port"])
    settings = msgspec.convert(config, Settings)
    settings = _with(settings, modules={name: _module(name, module) for name, module in modules.items()})
    exempt: frozenset[str] = frozenset()
    if old_api_key is not None:
        settings, exempt = _with_old_api_key(settings, old_api_key)
    if listen_everywhere_if_protected:
        protected = settings.infrastructure.http_server.authentication.configured
        settings = _with_host(settings, "0.0.0.0" if protected else "127.0.0.1")  # noqa: S104 - the documented rule
    problems = broken_rules(settings, now, exempt_keys=exempt)
    if problems:
        raise ConfigurationError(problems)
    return Loaded(settings, tuple(warnings))


def top_level_keys() -> tuple[str, ...]:
    """The names of the configuration's top-level keys."""
    return tuple(field.encode_name for field in msgspec.structs.fields(Settings))


_OUTLINE: dict[str, Any] = {
    "transportLibrary": {},
    "database": {},
    "logging": {},
    "infrastructure": {"httpServer": {"authentication": {"apiKey": {}}}, "embeddedBackbone": {}},
    "modules": {},
}


def _without_misplaced(value: dict[str, Any], outline: dict[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
    """``value`` without what stands in the place of a section and is no object; and where that was."""
    kept, misplaced = dict(value), []
    for key, inner in outline.items():
        if key not in value:
            continue
        where = member_path(path, key)
        if isinstance(value[key], dict):
            kept[key], below = _without_misplaced(value[key], inner, where)
            misplaced += below
        else:
            del kept[key]
            misplaced.append(where)
    return kept, misplaced


def _defaults(config: dict[str, Any]) -> dict[str, Any]:
    modules: dict[str, Any] = {}
    for built_in in BUILT_IN:
        if built_in.on_by_default_list:
            modules[built_in.kind] = {
                "enabled": built_in.enabled,
                "location": built_in.location,
                "requiredInfrastructure": list(built_in.required_infrastructure),
            }
    log4js = {"appenders", "categories"} & config.get("logging", {}).keys()
    return {
        "transportLibrary": {},
        "database": {},
        "logging": copy.deepcopy(LOG4JS_DEFAULT) if log4js else {},
        "infrastructure": {"httpServer": {"authentication": {}}},
        "modules": modules,
    }


def _derive_backbone(config: dict[str, Any], warnings: list[str]) -> None:
    """With an embedded Backbone the address follows from it, and so does the client unless it is given."""
    backbone = config["infrastructure"].get("embeddedBackbone", {})
    if backbone.get("enabled") is not True:
        return
    transport = config["transportLibrary"]
    host, port = backbone.get("host", "127.0.0.1"), backbone.get("port", 8090)
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    base_url = f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"
    if transport.get("baseUrl", base_url) != base_url:
        warnings.append("'transportLibrary.baseUrl' is ignored because 'infrastructure.embeddedBackbone' is enabled.")
    transport["baseUrl"] = base_url
    transport.setdefault("addressGenerationHostnameOverride", EMBEDDED_DOMAIN)
    transport.setdefault("platformClientId", backbone.get("clientId", "test"))
    transport.setdefault("platformClientSecret", backbone.get("clientSecret", "test"))


def _exclude_sync_and_sse(config: dict[str, Any], warnings: list[str]) -> None:
    sync, sse = config["modules"]["sync"], config["modules"]["sse"]
    if not isinstance(sync, dict) or not isinstance(sse, dict):
        return
    if sync.get("enabled") is True and sse.get("enabled") is True:
        warnings.append(
            "The SSE and Sync modules cannot be enabled at the same time, the Sync module will be disabled."
        )
        sync["enabled"] = False


def _force_modules(config: dict[str, Any]) -> None:
    """Requests would be lost without these two: they run whatever was written (connector spec 1.2)."""
    for built_in in BUILT_IN:
        module = config["modules"].get(built_in.kind)
        if built_in.forced and isinstance(module, dict) and module.get("enabled") is False:
            module["enabled"] = True


def _single_mistakes(config: dict[str, Any]) -> list[str]:
    config = copy.deepcopy(config)
    problems = []
    server = config["infrastructure"]["httpServer"]
    if isinstance(server.get("port"), str) and server["port"].isascii() and server["port"].isdigit():
        server["port"] = int(server["port"])
    database = config["database"]
    if database.get("driver") == "mongodb":
        problems.append(
            "instance.database.driver 'mongodb' is not supported. Remove 'driver' and 'connectionString' and set "
            "'database.folder' to the folder that the Connector may keep its SQLite file in."
        )
        del database["driver"]
    for problem in mistakes(config, Settings, "instance"):
        if problem.startswith("instance.database") and not any("[subschema 0]" in earlier for earlier in problems):
            problems.append("instance.database is not any of [subschema 0],[subschema 1]")
        problems.append(problem)
    return problems


def _module_mistakes(name: str, module: Any, warnings: list[str]) -> list[str]:
    path = member_path("instance.modules", name)
    if not isinstance(module, dict):
        return [f"{path} is not of a type(s) object"]
    problems = mistakes(module, CommonModuleKeys, path)
    built_in = LOCATIONS.get(module["location"]) if isinstance(module.get("location"), str) else None
    if built_in is None or module.get("enabled") is not True:  # what is switched off need not be complete
        return problems
    own = {key: value for key, value in module.items() if key not in _COMMON_MODULE_KEYS}
    known = {field.encode_name for field in msgspec.structs.fields(built_in.options)}
    warnings += [
        f"{path} has the property \"{key}\", which the module '{built_in.display_name}' does not know and ignores."
        for key in own
        if key not in known
    ]
    return problems + mistakes(own, built_in.options, path)


def _module(name: str, module: dict[str, Any]) -> ModuleSettings:
    location: str = module["location"]
    built_in = LOCATIONS.get(location)
    return ModuleSettings(
        name=name,
        kind=built_in.kind if built_in else None,
        enabled=module["enabled"],
        location=built_in.location if built_in else location,
        display_name=module.get("displayName") or default_display_name(location),
        required_infrastructure=tuple(module.get("requiredInfrastructure", ())),
        options={key: value for key, value in module.items() if key not in _COMMON_MODULE_KEYS},
    )


def _with(settings: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(settings, **changes)


def _with_host(settings: Settings, host: str) -> Settings:
    server = msgspec.structs.replace(settings.infrastructure.http_server, host=host)
    return _with(settings, infrastructure=msgspec.structs.replace(settings.infrastructure, http_server=server))


def _with_old_api_key(settings: Settings, key: str) -> tuple[Settings, frozenset[str]]:
    server = settings.infrastructure.http_server
    api_key = server.authentication.api_key
    id_ = OLD_API_KEY_ID
    while id_ in api_key.keys:
        id_ += "_"
    authentication = msgspec.structs.replace(
        server.authentication,
        api_key=ApiKeySettings(
            enabled=api_key.enabled, header_name=api_key.header_name, keys={**api_key.keys, id_: ApiKey(key=key)}
        ),
    )
    server = msgspec.structs.replace(server, authentication=authentication)
    infrastructure = msgspec.structs.replace(settings.infrastructure, http_server=server)
    return _with(settings, infrastructure=infrastructure), frozenset({id_})
