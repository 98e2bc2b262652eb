import subprocess
import sys

import pytest

LOOK = """
import sys
from recsysops.quality import great_expectations

assert great_expectations().__version__
print("pyspark" in sys.modules, "pyspark.sql.connect.session" in sys.modules)
"""


@pytest.mark.parametrize("how", [("-c", LOOK), ("-",)])
def test_great_expectations_is_imported_without_spark_however_the_program_was_started(how):
    done = subprocess.run([sys.executable, "-P", *how], input=LOOK, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.split()) == (0, ["False", "False"]), done.stderr


def test_spark_can_be_imported_afterwards():
    pytest.importorskip("pyspark", exc_type=ImportError)
    after = LOOK + "\nimport warnings\nwarnings.simplefilter('ignore')\nimport pyspark\nprint(pyspark.__version__)"

    done = subprocess.run([sys.executable, "-P", "-c", after], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
