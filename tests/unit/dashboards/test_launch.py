import os
import signal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recsysops_dashboards import leash
from recsysops_dashboards.app import arguments
from recsysops_dashboards.launch import APP, command, environment


def test_the_command_sends_nothing_home_and_listens_where_it_is_told(tmp_path):
    made = command("http://127.0.0.1:8350", tmp_path / "key", host="127.0.0.1", port=8351)

    assert "--browser.gatherUsageStats=false" in made
    assert "--client.showErrorDetails=none" in made
    assert "--server.address=127.0.0.1" in made
    assert "--server.port=8351" in made
    assert "--server.allowedHosts=localhost" in made
    assert made[made.index("--") + 1 :] == ["--api", "http://127.0.0.1:8350", "--key-file", str(tmp_path / "key")]
    assert APP.is_file()


def test_no_variable_overrides_the_command():
    assert environment({"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_arguments_are_read():
    read = arguments(["--api", "http://x", "--key-file", "k"])

    assert (read.api, read.key_file) == ("http://x", "k")


@pytest.mark.parametrize("name", ["absent"])
def test_a_key_file_that_is_not_there_is_said_in_a_sentence(tmp_path, monkeypatch, name):
    monkeypatch.setattr("sys.argv", ["app.py"])

    def script(key_file):
        from recsysops_dashboards import app

        app.main(["--api", "http://127.0.0.1:1", "--key-file", key_file])

    test = AppTest.from_function(script, args=(str(Path(tmp_path) / name),), default_timeout=60).run()

    assert not test.exception
    assert "The API key cannot be read" in test.get("html")[0].proto.body


def test_a_leashed_command_ends_when_nobody_holds_its_input(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr("os.kill", lambda pid, number: done.append(("kill", pid, number)))
    monkeypatch.setattr("os._exit", lambda code: done.append(("exit", code)))
    monkeypatch.setattr("time.sleep", lambda seconds: done.append(("wait", seconds)))
    reader, writer = os.pipe()
    os.write(writer, b"noise")
    os.close(writer)

    leash.end_with_stdin(reader)

    os.close(reader)
    made = command("http://127.0.0.1:1", tmp_path / "key", host="127.0.0.1", port=1, ends_with_stdin=True)
    assert done == [("kill", os.getpid(), signal.SIGTERM), ("wait", leash.GRACE_SECONDS), ("exit", 1)]
    assert made[2:5] == ["-m", "recsysops_dashboards.leash", "run"]


def test_the_leash_runs_streamlits_own_command_line(monkeypatch):
    watched = []
    monkeypatch.setattr("sys.argv", ["leash", "version"])
    monkeypatch.setattr(leash, "end_with_stdin", watched.append)

    with Path(os.devnull).open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(SystemExit) as ended:
            leash.main()

    assert ended.value.code == 0
    assert len(watched) == 1
