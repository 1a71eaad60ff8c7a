"""The relay that cuts a service off from the broker."""

import socket
import threading
from contextlib import contextmanager

import pytest

from lab.chaos.faults.relay import Relay
from lab.stack.ports import LOOPBACK, Ports


@contextmanager
def an_echo():
    """A server that says everything again; its port."""
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _echo(server):
    caller, _ = server.accept()
    with caller:
        while heard := caller.recv(1024):
            caller.sendall(heard)


@pytest.fixture
def relayed():
    """A relay, and a connection through it that has been used."""
    entrance = Ports().take()
    with an_echo() as port, Relay(entrance, port) as relay, calling(entrance) as caller:
        caller.sendall(b"hello")
        assert caller.recv(1024) == b"hello"
        yield relay, caller


def calling(port):
    return socket.create_connection((LOOPBACK, port), timeout=5)


def test_nothing_gets_through_while_it_is_silent_and_nothing_is_lost(relayed):
    relay, caller = relayed
    with relay.silent():
        caller.sendall(b"is there anybody?")
        caller.settimeout(0.1)
        with pytest.raises(TimeoutError):
            caller.recv(1024)
    caller.settimeout(5)
    assert caller.recv(1024) == b"is there anybody?"


def test_who_calls_while_nobody_is_there_is_hung_up_on():
    entrance, nobody = Ports().take(), Ports().take()
    with Relay(entrance, nobody), calling(entrance) as caller:
        assert caller.recv(1024) == b""
