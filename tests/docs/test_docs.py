"""The documentation is complete, its configurations are right, its examples run, its links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import trio_connector
from tests.accounts import connected, running_account, running_backbone, synchronized, utc_now
from tests.connectors import told
from tests.daemon.processes import running_daemon
from tests.modules.running import running_modules, settled
from trio_connector.commands.configuration import module_mistakes
from trio_connector.domain.message import MessageDTO
from trio_connector.events.delivery import DeliverySettings
from trio_connector.modules.names_2022 import MISSPELT, SENT_AS_BEFORE
from trio_connector.settings import parse
from trio_connector.settings.modules import BUILT_IN
from trio_connector.usecases.messages import send_message

PACKAGE = Path(trio_connector.__file__).parent
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
MINIMAL = {
    "transportLibrary": {"baseUrl": "https://b.example", "platformClientId": "id", "platformClientSecret": "secret"}
}
OLD_NAMES = {"amqpPublisher", "autoAcceptRelationshipCreationChanges", "webhooksV2", "webhooksV1"}
NAMESPACE = re.compile(r"(?:transport|consumption|runtime)\.[a-z][A-Za-z]+")


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([^)#]+\.md)\)", index))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def all_blocks(language: str) -> list[Any]:
    """Those of all pages, as parameters of a test."""
    return [
        pytest.param(page, text, id=f"{name_of(page)}:{number}")
        for page in PAGES
        for number, text in enumerate(blocks(page, language), start=1)
    ]


def published_namespaces() -> set[str]:
    """All names of events that stand in the source, but where the names of 2022 are translated."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "embedded") or path.name == "names_2022.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMESPACE.fullmatch(node.value):
                found.add(node.value)
    return found


@pytest.mark.parametrize("kind", [module.kind for module in BUILT_IN])
def test_every_module_has_a_page_that_says_the_same_of_each(kind: str) -> None:
    page = (DOCS / "modules" / f"{kind}.md").read_text()
    assert page.startswith(f"# {kind}\n")
    assert "```yaml\nmodules:" in page or "```yaml\ndebug: true\nmodules:" in page
    assert "## Failures" in page
    assert f"[{kind}](modules/{kind}.md)" in (DOCS / "README.md").read_text()


@pytest.mark.parametrize("kind", [module.kind for module in BUILT_IN])
def test_every_key_of_a_module_is_on_its_page(kind: str) -> None:
    page = (DOCS / "modules" / f"{kind}.md").read_text()
    options = next(module.options for module in BUILT_IN if module.kind == kind)
    for field in msgspec.structs.fields(options):
        assert re.search(rf"`{field.encode_name}\b", page), field.encode_name


def test_every_key_of_delivery_is_explained() -> None:
    page = (DOCS / "modules" / "webhooks.md").read_text()
    for field in msgspec.structs.fields(DeliverySettings):
        default = json.dumps(field.default).replace(".0,", ",").replace(".0]", "]").removesuffix(".0")
        assert f"| `{field.encode_name}` | `{default}` |" in page


@pytest.mark.parametrize("name", sorted(OLD_NAMES))
def test_every_module_of_2022_has_its_place(name: str) -> None:
    assert any(name in page.read_text() for page in (DOCS / "modules").glob("*.md"))
    assert name in (DOCS / "2022.md").read_text() + (DOCS / "README.md").read_text()


def test_every_event_is_in_the_table_with_its_data_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-zA-Z.<>]+)` \| ([^|]+) \| ([^|]+) \|$", (DOCS / "events.md").read_text(), re.MULTILINE)
    listed = {namespace.removesuffix(".<id>") for namespace, _, _ in rows}
    published = published_namespaces() | {"consumption.relationshipEvent"}
    assert listed == published


def test_every_name_of_2022_is_in_its_table() -> None:
    page = (DOCS / "events.md").read_text().partition("### Names of 2022")[2]
    for name in (*SENT_AS_BEFORE, *MISSPELT):
        assert f"`{name}`" in page


def examples_beside(folder: Path) -> None:
    """What configurations in the documentation refer to: a key file, and a module of one's own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"client_email": "a@b", "private_key": key.decode(), "private_key_id": "k"}
    (folder / "service-account.json").write_text(json.dumps(account))
    (folder / "shop").mkdir()
    for text in blocks(DOCS / "modules" / "user.md", "python"):
        (found,) = re.findall(r"The file (shop/[a-z_]+\.py)\.", text)
        (folder / found).write_text(text)


@pytest.fixture
def beside_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The working directory, and a place to import from, that the documentation speaks of."""
    examples_beside(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.mark.usefixtures("beside_the_examples")
@pytest.mark.parametrize(("page", "text"), all_blocks("yaml"))
def test_every_configuration_is_one(page: Path, text: str) -> None:
    loaded = parse({**MINIMAL, **yaml.safe_load(text)}, now=utc_now())
    assert module_mistakes(loaded.settings, utc_now) == []
    speaks_of_2022 = page.name in {"2022.md", "webhooksV1.md"} or any(name in text for name in OLD_NAMES)
    assert bool(loaded.warnings) is speaks_of_2022, loaded.warnings


@pytest.mark.parametrize(("page", "text"), all_blocks("json"))
def test_every_example_of_json_is_json(page: Path, text: str) -> None:
    shown = json.loads(text)
    if "trigger" in shown:
        assert shown["trigger"] == "transport.messageReceived"
        assert msgspec.to_builtins(msgspec.convert(shown["data"], MessageDTO)) == shown["data"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", page.read_text()):
        assert not target or "://" in target or (page.parent / target).resolve().exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_part_of_a_page_leads_to_it(page: Path) -> None:
    for target, part in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
        text = ((page.parent / target) if target else page).read_text()
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert part in anchors, f"{target}#{part}"


@pytest.mark.usefixtures("beside_the_examples")
async def test_the_module_that_thanks_does_so() -> None:
    (text,) = blocks(DOCS / "modules" / "user.md", "yaml")
    async with running_backbone() as url, running_account(url) as shop, running_account(url) as customer:
        await connected(shop, customer)
        async with running_modules(shop, yaml.safe_load(text)["modules"]) as bus:
            order = {"@type": "Mail", "to": [shop.address], "subject": "Order 4711", "body": "Please send it."}
            await send_message(customer, recipients=[shop.address], content=order)
            await synchronized(shop)
            await settled(bus)
        await synchronized(customer)
        thanks = await told(customer, "transport.messageReceived")
    assert thanks["content"]["subject"] == "Thank you"
    assert thanks["content"]["body"] == "We have got 'Order 4711'."


@pytest.mark.usefixtures("beside_the_examples")
async def test_the_module_that_reports_does_so(capsys: pytest.CaptureFixture[str]) -> None:
    module = {"reports": {"enabled": True, "location": "shop.reports:ReportModule"}}
    async with running_backbone() as url, running_account(url) as shop, running_account(url) as customer:
        await connected(shop, customer)
        async with running_modules(shop, module):
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert "These are our partners." in capsys.readouterr().out


async def test_every_metric_that_alerts_are_made_of_is_there(tmp_path: Path) -> None:
    named = set(re.findall(r"`(trio_connector_[a-z_]+)`", (DOCS / "operations.md").read_text()))
    async with running_backbone() as url:
        sync = {"sync": {"enabled": True}}
        async with running_daemon(tmp_path, url, modules=sync) as daemon, daemon.client() as client:
            metrics = (await client.get(f"{daemon.url}/metrics")).text
            assert await daemon.stop() == 0
        log = daemon.log()
    shown = set(re.findall(r"^# TYPE ([a-z_]+) ", metrics, re.MULTILINE))
    assert {name for name in named if name not in shown and name.removesuffix("_total") not in shown} == set()
    for line in ("Transport initialized", "Listening on port", "Started all modules."):
        assert line in log


@pytest.mark.parametrize("page", [DOCS / "operations.md", DOCS / "2022.md"], ids=name_of)
def test_nothing_is_promised_that_the_code_does_not_say(page: Path) -> None:
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    for text in re.findall(r"`([A-Z][^`]*\.)`", page.read_text()):
        words = re.split(r"<[^>]*>", text)
        assert all(word in source for word in words), text
