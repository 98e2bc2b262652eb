"""Runs Streamlit for as long as standard input stays open: whoever started it holds the other end.

The end of that process closes the pipe however it ended, also by `kill -9`, and on every system. Not for a terminal.
"""

import os
import signal
import sys
import threading
import time
from typing import Final

GRACE_SECONDS: Final = 5


def end_with_stdin(descriptor: int) -> None:
    """Wait until nobody holds the other end, then end this process: gently first."""
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Watch standard input, and run Streamlit's own command line."""
    threading.Thread(target=end_with_stdin, args=(sys.stdin.fileno(),), daemon=True).start()
    from streamlit.web.cli import main as streamlit

    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
