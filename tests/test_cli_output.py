"""A time or a place the command line can't use: one sentence, and never the exit code of a verdict."""

import pytest
from make_tables import contract_bytes

from audit_core.cli import main
from audit_core.cli.said import USAGE_ERROR


@pytest.fixture
def audit(tmp_path, capsys):
    """Runs an audit of three rows; (exit code, stderr)."""
    (tmp_path / "c.yaml").write_bytes(contract_bytes())
    (tmp_path / "e.csv").write_text("y,s,g\n1,0.9,a\n0,0.1,a\n1,0.8,b\n")

    def run(*more):
        code = main(["audit", "--contract", str(tmp_path / "c.yaml"), "--eval", str(tmp_path / "e.csv"),
                     "--workspace", str(tmp_path / "w"), "--quiet", *map(str, more)])  # fmt: skip
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("time", ["yesterday", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", ""])
def test_a_time_that_is_none_is_a_usage_error(audit, capsys, time):
    with pytest.raises(SystemExit) as ended:
        audit("--as-of", time)
    assert ended.value.code == USAGE_ERROR
    assert "is no ISO 8601 time" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--pdf"])
def test_an_output_that_can_not_be_written_is_one_sentence_and_the_audit_is_kept(audit, tmp_path, option):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")  # not even root can write it
    code, said = audit(option, tmp_path / "loop")
    assert code == USAGE_ERROR
    assert said.startswith("evenhand: An output file can't be written") and "loop" in said
    assert len(list((tmp_path / "w" / "audits").iterdir())) == 1


def test_a_workspace_that_can_not_be_made_is_one_sentence(audit, tmp_path):
    (tmp_path / "w").write_text("in the way")
    code, said = audit()
    assert code == USAGE_ERROR
    assert said.startswith("evenhand: The workspace can't be made")
