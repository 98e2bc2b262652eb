import json
from datetime import UTC, datetime
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from recsysops.cli import main
from recsysops.domain.check_view import CheckForm, CheckReport
from recsysops.domain.severity import Severity
from recsysops.errors import UsageError
from recsysops.terminal import tell_check

REPORT = CheckReport(
    as_of=datetime(2026, 3, 2, tzinfo=UTC),
    fail_on=Severity.CRITICAL,
    allow_unknown=False,
    cells=(),
    notices=("Quiet.",),
)
READ = {CheckForm.JSON: json.loads, CheckForm.SARIF: json.loads, CheckForm.JUNIT: ET.fromstring, CheckForm.TABLE: str}


def console():
    return Console(file=StringIO(), width=100)


def tell(form, output, shown):
    tell_check(REPORT, form, output, shown, detectors=[], file="titles.csv")


@pytest.mark.parametrize("form", CheckForm)
def test_every_form_goes_to_standard_output(form, capsys):
    shown = console()

    tell(form, None, shown)

    said = shown.file.getvalue() if form is CheckForm.TABLE else capsys.readouterr().out
    assert READ[form](said) is not None
    assert "Quiet." in said


@pytest.mark.parametrize("form", CheckForm)
def test_every_form_goes_to_a_file_and_a_person_still_reads_a_table(form, tmp_path):
    shown, output = console(), tmp_path / "new" / "report"

    tell(form, output, shown)

    assert READ[form](output.read_text()) is not None
    assert ("Quiet." in shown.file.getvalue()) is (form is not CheckForm.TABLE)


def test_a_file_that_cannot_be_written_is_wrong_use(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(UsageError, match="cannot be written"):
        tell(CheckForm.JUNIT, tmp_path / "file" / "report.xml", console())


def test_the_verb_tells_an_empty_store_in_each_form_with_one_exit_code(tmp_path, capsys):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n')
    with pytest.raises(SystemExit):
        main(["--settings", str(settings), "detect", "-q"])
    capsys.readouterr()

    for form in CheckForm:
        with pytest.raises(SystemExit) as ended:
            main(["--settings", str(settings), "check", "--format", form])

        assert ended.value.code == 1
        assert READ[form](capsys.readouterr().out) is not None
