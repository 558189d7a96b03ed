"""The real brokers that tests talk to, and private ones that a test may kill.

The shared ones stand at the usual loopback ports or where ``TRIO_CONNECTOR_TEST_AMQP_URL``, ``..._MQTT_URL`` and
``..._REDIS_URL`` say. The private ones are started from the installed programs, each in a folder of its own, and
stopped at the end. Where a machine has neither, the tests that need it are skipped, and with ``CI=true`` they fail.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import pytest

START_SECONDS = 60.0
# The wrapper in sbin refuses other users than root and rabbitmq; the scripts behind it do not.
RABBITMQ_SCRIPTS = (Path("/usr/lib/rabbitmq/bin"), Path("/usr/local/lib/rabbitmq/bin"), Path("/opt/rabbitmq/sbin"))


def missing(what: str) -> NoReturn:
    """Skip the test because ``what`` is not there; fail it where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is needed and not there.")
    pytest.skip(f"{what} is not there: NOT TESTED")


def free_port() -> int:
    """A TCP port on the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, hello: bytes, host: str = "127.0.0.1") -> bool:
    """Whether something listens there and says anything when greeted with ``hello``."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.settimeout(1)
            connection.sendall(hello)
            return bool(connection.recv(1))
    except OSError:
        return False


AMQP_HELLO = b"AMQP\x00\x00\x09\x01"
MQTT_HELLO = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
REDIS_HELLO = b"PING\r\n"


def _shared(variable: str, default: str, hello: bytes, what: str) -> str:
    url = os.environ.get(variable, default)
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None or not answers(parts.port, hello, parts.hostname):
        missing(f"{what} at {parts.hostname}:{parts.port} ({variable})")
    return url


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """URL of a running RabbitMQ."""
    return _shared("TRIO_CONNECTOR_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672", AMQP_HELLO, "RabbitMQ")


@pytest.fixture(scope="session")
def mqtt_url() -> str:
    """URL of a running MQTT broker."""
    return _shared("TRIO_CONNECTOR_TEST_MQTT_URL", "mqtt://127.0.0.1:1883", MQTT_HELLO, "An MQTT broker")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """URL of a running Redis."""
    return _shared("TRIO_CONNECTOR_TEST_REDIS_URL", "redis://127.0.0.1:6379", REDIS_HELLO, "Redis")


class Service:
    """A program of our own on a port of its own; its data outlive a restart."""

    scheme = ""
    hello = b""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it was started and not ended since."""
        return self._process is not None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The environment to run it in."""
        return dict(os.environ)

    def start(self) -> None:
        """Run it and wait until it answers."""
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port, self.hello):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.kill()
                pytest.fail(f"{type(self).__name__} did not start: {(self.folder / 'output.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power failure would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for what in (number, signal.SIGKILL):
            try:
                os.killpg(process.pid, what)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=20)
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()
        # What it started may take a moment longer, and must not be mistaken for the next one.
        while _listens(self.port):
            time.sleep(0.01)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class PrivateRedis(Service):
    """A ``redis-server`` that keeps nothing on disk."""

    scheme = "redis"
    hello = REDIS_HELLO

    def command(self) -> list[str]:
        program = shutil.which("redis-server") or missing("redis-server")
        return [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


class PrivateMosquitto(Service):
    """A ``mosquitto`` that keeps sessions and queued messages on disk."""

    scheme = "mqtt"
    hello = MQTT_HELLO

    def command(self) -> list[str]:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or missing("mosquitto")
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
            f"persistence true\npersistence_location {self.folder}/\nuser {getpass.getuser()}\n"
        )
        return [program, "-c", str(configuration)]


class PrivateRabbitMQ(Service):
    """A RabbitMQ node with an ``epmd`` of its own; boots in five to seven seconds."""

    scheme = "amqp"
    hello = AMQP_HELLO

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._scripts = self._find_scripts()
        self._epmd_program = shutil.which("epmd") or missing("epmd")
        self._epmd: subprocess.Popen[bytes] | None = None
        self._distribution_port = free_port()
        self._epmd_port = free_port()

    @staticmethod
    def _find_scripts() -> Path:
        for folder in RABBITMQ_SCRIPTS:
            if (folder / "rabbitmq-server").exists():
                return folder
        missing("RabbitMQ")

    def command(self) -> list[str]:
        return [str(self._scripts / "rabbitmq-server")]

    def environment(self) -> dict[str, str]:
        folder = self.folder
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nloopback_users = none\nmax_message_size = 1000000\n"
        )
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"t{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-such-file"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ("+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"),
        }

    def start(self) -> None:
        """Run the node, and its ``epmd`` when that does not run yet."""
        if self._epmd is None:
            self._epmd = subprocess.Popen(
                [self._epmd_program, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        super().start()

    def control(self, *arguments: str) -> None:
        """Run ``rabbitmqctl`` on this node."""
        subprocess.run(
            [str(self._scripts / "rabbitmqctl"), *arguments],
            env=self.environment(),
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the node, then its ``epmd``."""
        super().stop()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None


S = TypeVar("S", bound=Service)


@pytest.fixture(scope="session")
def rabbitmq_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    """The node behind ``private_rabbitmq``: one for all tests, for its boot takes long."""
    yield from _running(PrivateRabbitMQ(tmp_path_factory.mktemp("rabbitmq")))


@pytest.fixture
def private_rabbitmq(rabbitmq_node: PrivateRabbitMQ) -> PrivateRabbitMQ:
    """A running node of our own, which a test may kill."""
    if not rabbitmq_node.runs:
        rabbitmq_node.start()
    return rabbitmq_node


@pytest.fixture
def private_mosquitto(tmp_path: Path) -> Iterator[PrivateMosquitto]:
    """A running broker of our own."""
    yield from _running(PrivateMosquitto(tmp_path))


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    """A running server of our own."""
    yield from _running(PrivateRedis(tmp_path))


def _running(service: S) -> Iterator[S]:
    try:
        service.start()
        yield service
    finally:
        service.stop()
