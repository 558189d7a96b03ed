"""What the daemon sends is verified by the reference implementation of Standard Webhooks, by old and new secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.accounts import running_backbone
from tests.daemon.processes import Daemon, running_daemon
from tests.senders.receiver import Receiver, Reply, Request, receiving

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_bmV3LXNlY3JldC1mb3ItdGhlLXNob3AtMTIzNA=="
STRANGE = "whsec_c29tZWJvZHktZWxzZS1oYXMtdGhpcy1zZWNyZXQ="


def modules(url: str, secret: Any) -> dict[str, Any]:
    """A webhook for everything, signed with ``secret``."""
    return {
        "webhooks": {
            "enabled": True,
            "targets": {"shop": {"url": url, "secret": secret}},
            "webhooks": [{"triggers": ["**"], "target": "shop"}],
        }
    }


async def arrived(receiver: Receiver, count: int) -> Request:
    """Wait for so many requests; the last of them."""
    with trio.fail_after(60):
        while len(receiver.requests) < count:
            await trio.sleep(0.02)  # polls
    return receiver.requests[count - 1]


def verify(request: Request, secret: str) -> Any:
    """What the receiver's library makes of ``request``."""
    return Webhook(secret).verify(request.body, request.headers)


def rewrite(daemon: Daemon, secret: Any) -> None:
    """Let the configuration name another secret."""
    path = daemon.folder / "config.json"
    written = json.loads(path.read_text())
    written["modules"]["webhooks"]["targets"]["shop"]["secret"] = secret
    path.write_text(json.dumps(written))


async def test_a_secret_can_be_rotated_without_a_delivery_that_somebody_cannot_verify(tmp_path: Path) -> None:
    receiver = Receiver(Reply(503), Reply(204))
    async with running_backbone() as url, receiving(receiver):
        configured = modules(f"{receiver.url}/hook", OLD)
        configured["webhooks"]["targets"]["shop"]["delivery"] = {"retryScheduleSeconds": [0.01]}
        async with running_daemon(tmp_path, url, modules=configured) as daemon:
            refused, accepted = await arrived(receiver, 1), await arrived(receiver, 2)
            assert verify(refused, OLD) == verify(accepted, OLD) == {"trigger": "runtime.modulesStarted"}
            assert refused.headers["webhook-id"] == accepted.headers["webhook-id"]
            assert await daemon.stop() == 0

            rewrite(daemon, [NEW, OLD])  # the receiver still has the old one, and may change at any time
            await daemon.start()
            both = await arrived(receiver, 3)
            assert verify(both, OLD) == verify(both, NEW)
            assert await daemon.stop() == 0

            rewrite(daemon, NEW)
            await daemon.start()
            last = await arrived(receiver, 4)
            assert verify(last, NEW)
            for request, secret in ((last, OLD), (both, STRANGE), (accepted, NEW)):
                with pytest.raises(WebhookVerificationError):
                    verify(request, secret)
            async with daemon.client() as client:
                support = (await client.get(f"{daemon.url}/Monitoring/Support")).text
            assert await daemon.stop() == 0
        for secret in (OLD, NEW):
            assert secret.removeprefix("whsec_") not in daemon.log() + support
