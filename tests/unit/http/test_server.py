import os
import signal
import threading

import httpx
import pytest

from recsysops.errors import UsageError
from recsysops.http import create_app
from recsysops.http.server import address, bind, serve, server
from recsysops.testing.sample_api import sample_context


def test_port_zero_gives_a_free_port_and_its_address():
    with bind("127.0.0.1", 0) as listener:
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert listener.getsockname()[1] > 0


def test_an_address_off_loopback_is_refused():
    with pytest.raises(UsageError, match="no loopback address"):
        bind("0.0.0.0", 0)


def test_a_port_that_is_taken_is_an_error_that_says_so():
    with bind("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="Cannot listen"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_it_serves_until_it_is_told_to_stop(filled):
    with bind("127.0.0.1", 0) as listener:
        running = server(create_app(sample_context(filled)))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()

        answer = httpx.get(f"{address(listener)}/healthz", timeout=20)
        running.should_exit = True
        thread.join(timeout=20)

    assert answer.json()["status"] == "ok"
    assert not thread.is_alive()


def test_after_a_termination_it_returns_so_that_the_caller_can_clean_up(filled):
    before = signal.getsignal(signal.SIGTERM)
    with bind("127.0.0.1", 0) as listener:
        url = f"{address(listener)}/healthz"

        def ask_and_terminate() -> None:
            httpx.get(url, timeout=20)
            os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=ask_and_terminate)
        thread.start()
        serve(create_app(sample_context(filled)), listener)
        thread.join(timeout=20)

    assert not thread.is_alive()
    assert signal.getsignal(signal.SIGTERM) is before
