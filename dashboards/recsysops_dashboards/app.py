"""The dashboard as Streamlit runs it: `streamlit run app.py -- --api URL --key-file FILE`. Pages are functions."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit import config

from recsysops.client import Client
from recsysops.errors import ApiError
from recsysops_dashboards import board, data, issues, missing, model, title
from recsysops_dashboards._html import problem, style


@st.cache_resource(max_entries=1, show_spinner=False)
def connect(api_url: str, key_file: str) -> Client:
    """Return the one client of this process."""
    return Client(api_url, Path(key_file).read_text(encoding="utf-8").strip())


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Read what stands behind `--` on the command line."""
    parser = argparse.ArgumentParser(prog="recsysops dashboard")
    parser.add_argument("--api", required=True)
    parser.add_argument("--key-file", required=True)
    return parser.parse_args(given)


def show(client: Client) -> None:
    """Show the page the address names; what the API refuses is said in its own sentence."""
    style()
    pages = [
        st.Page(lambda: board.show(client), title="Launch board", url_path="board", default=True),
        st.Page(lambda: title.show(client), title="Title", url_path="title"),
        st.Page(lambda: missing.show(client), title="Missing metadata", url_path="missing"),
        st.Page(lambda: issues.show(client), title="Issues and runs", url_path="issues"),
        st.Page(lambda: data.show(client), title="Data", url_path="data"),
        st.Page(lambda: model.show(client), title="Model", url_path="model"),
    ]
    page = st.navigation(pages, position="top")
    try:
        page.run()
    except ApiError as error:
        problem(str(error))


def main(given: Sequence[str]) -> None:
    """Set up the page and show it."""
    config.set_option("browser.gatherUsageStats", False)  # the flag alone was seen to be passed over  # noqa: FBT003
    st.set_page_config(page_title="RecSysOps", layout="wide")
    chosen = arguments(given)
    try:
        client = connect(chosen.api, chosen.key_file)
    except OSError as error:
        problem(f'The API key cannot be read: "{chosen.key_file}": {error.strerror}. Start `recsysops serve` first.')
        return
    show(client)


if __name__ == "__main__":
    main(sys.argv[1:])
