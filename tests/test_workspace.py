"""What an audit leaves on disk comes back as the same audit, or not at all."""

import hashlib
import io
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_tables import contract_bytes, written
from report_factory import AS_OF, CONTRACT, audit_of, counted

from audit_core.audit import AuditRequest, run_audit
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.workspace import Workspace

TEXT = CONTRACT.encode()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="module")
def audit():
    return audit_of(counts=counted(rows=800))


def everything(folder: Path):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_workspace_that_can_not_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="workspace can't be made"):
        Workspace(tmp_path / "file")


# --- saving and loading


def test_a_stored_audit_is_the_same_audit(workspace, audit):
    folder = workspace.save(audit, TEXT)
    assert everything(folder) == ["audit.json", "contract.yaml", "cube.npz", "record.json"]
    loaded = workspace.load(audit.id)
    assert loaded == audit
    assert loaded.counted.cube.codes.tobytes() == audit.counted.cube.codes.tobytes()
    assert workspace.contract_bytes(audit.id) == TEXT
    assert json.loads(workspace.artifact(audit.id, "audit.json"))


def test_a_real_run_comes_back(workspace, tmp_path):
    data = (
        "label: {column: y}, score: {column: s, threshold: 0.5}, window: w, "
        "attributes: [{name: g}, {name: band, from: {column: age, edges: [0, 40, 99], labels: [young, old]}}]"
    )
    rows = "".join(f"{k % 2},0.{k},{'abü'[k % 3]},{20 + k},2026-10\n" for k in range(40))
    file = written(tmp_path, "t.csv", "y,s,g,age,w\n" + rows)
    text = contract_bytes(data)
    request = AuditRequest(contract=text, contract_name="c.yaml", evaluation=file, train=file, as_of=AS_OF)
    audit = run_audit(request, workspace)
    assert workspace.load(audit.id) == audit
    assert audit.counted.drift and audit.counted.ranks
    again = run_audit(request, workspace)
    assert again.id == audit.id and len(workspace.entries()) == 1
    other = run_audit(
        replace(request, train=written(tmp_path, "o.csv", "y,s,g,age,w\n" + rows * 2)), workspace
    )
    assert other.id != audit.id and len(workspace.entries()) == 2


def test_saving_twice_keeps_one_and_what_stands_beside_it(workspace, audit):
    folder = workspace.save(audit, TEXT)
    (folder / "signature.json").write_text("{}")
    assert workspace.save(audit, TEXT) == folder
    assert len(workspace.entries()) == 1 and (folder / "signature.json").exists()
    assert everything(workspace.root / "audits")[0] == audit.id


def test_a_damaged_audit_is_replaced_when_it_is_run_again(workspace, audit):
    folder = workspace.save(audit, TEXT)
    (folder / "cube.npz").write_bytes(b"")
    workspace.save(audit, TEXT)
    assert workspace.load(audit.id) == audit
    assert [path.name for path in (workspace.root / "audits").iterdir()] == [audit.id]


def test_entries_come_newest_first(workspace, audit):
    for id_, created in (("A-20260101-0000000a", "2026-01-01"), ("A-20260301-0000000b", "2026-03-01")):
        workspace.save(replace(audit, id=id_, created_at=f"{created}T00:00:00+00:00"), TEXT)
    workspace.save(replace(audit, id="A-20260301-0000000c", created_at="2026-03-01T00:00:00+00:00"), TEXT)
    entries = workspace.entries()
    assert [entry.id[-1] for entry in entries] == ["c", "b", "a"]
    assert {entry.contract_id for entry in entries} == {"hiring-screen"}
    assert {entry.verdict for entry in entries} == {audit.decision.verdict}


def test_an_interrupted_save_leaves_nothing_to_see(workspace, audit, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("audit_core.evidence.workspace.result_bytes", full)
    with pytest.raises(OSError, match="no space"):
        workspace.save(audit, TEXT)
    assert everything(workspace.root / "audits") == [] and workspace.entries() == ()
    (workspace.root / "audits" / ".part-killed").mkdir()  # what kill -9 leaves
    assert workspace.entries() == ()


# --- damage


def tampered(name):
    def cube(folder):
        with np.load(folder / "cube.npz") as arrays:
            codes, measures = arrays["codes"], arrays["measures"].copy()
        measures[0, 0] += 1
        np.savez(folder / "cube.npz", codes=codes, measures=measures)

    def record(change):
        def apply(folder):
            file = folder / "record.json"
            data = json.loads(file.read_text())
            change(data)
            file.write_text(json.dumps(data))

        return apply

    def drift(data):
        data["counted"]["drift"][0]["current"][0] += 1

    def ranks(data):
        data["counted"]["ranks"][0]["sums"]["u2"] -= 1

    return {
        "cube": cube,
        "cube cut short": lambda f: (f / "cube.npz").write_bytes((f / "cube.npz").read_bytes()[:-100]),
        "cube empty": lambda f: (f / "cube.npz").write_bytes(b""),
        "cube a text": lambda f: (f / "cube.npz").write_bytes(b"not a cube"),
        "cube gone": lambda f: (f / "cube.npz").unlink(),
        "record gone": lambda f: (f / "record.json").unlink(),
        "record cut short": lambda f: (f / "record.json").write_text((f / "record.json").read_text()[:-9]),
        "record a list": lambda f: (f / "record.json").write_text("[]"),
        "record not UTF-8": lambda f: (f / "record.json").write_bytes(b"\xff\xfe"),
        "verdict": record(lambda data: data.update(verdict="APPROVED")),
        "stages": record(lambda data: data.update(stages=["data"])),
        "clock": record(lambda data: data.update(created_at="2020-01-01T00:00:00+00:00")),
        "a source": record(lambda data: data["sources"][0].update(sha256="0" * 64)),
        "no seal": record(lambda data: data.pop("sha256")),
        "drift": record(drift),
        "ranks": record(ranks),
        "contract": lambda f: (f / "contract.yaml").write_bytes(TEXT.replace(b"max: 0.10", b"max: 0.90")),
        "contract broken": lambda f: (f / "contract.yaml").write_bytes(b"{"),
        "contract gone": lambda f: (f / "contract.yaml").unlink(),
    }[name]


DAMAGE = [
    "cube",
    "cube cut short",
    "cube empty",
    "cube a text",
    "cube gone",
    "record gone",
    "record cut short",
    "record a list",
    "record not UTF-8",
    "verdict",
    "stages",
    "clock",
    "a source",
    "no seal",
    "drift",
    "ranks",
    "contract",
    "contract broken",
    "contract gone",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_tampered_audit_is_refused(workspace, audit, damage):
    tampered(damage)(workspace.save(audit, TEXT))
    with pytest.raises(AuditError, match="does not hold together") as caught:
        workspace.load(audit.id)
    assert type(caught.value) is AuditError and caught.value.where == audit.id


@pytest.mark.parametrize("damage", DAMAGE)
def test_one_damaged_audit_does_not_hide_the_others(workspace, audit, damage):
    other = replace(audit, id="A-20260101-0000000a")
    workspace.save(other, TEXT)
    tampered(damage)(workspace.save(audit, TEXT))
    assert other.id in [entry.id for entry in workspace.entries()]


def test_a_folder_under_another_name_is_refused(workspace, audit):
    workspace.save(audit, TEXT).rename(workspace.root / "audits" / "A-20990101-00000000")
    with pytest.raises(AuditError, match="does not hold together"):
        workspace.load("A-20990101-00000000")
    assert workspace.entries() == ()


# --- ids and names from outside


@pytest.mark.parametrize(
    "id_",
    ["", ".", "..", "../audits", "A-20261120-0117abcd/..", "A-20261120-0117abcd\n", "a-20261120-0117abcd",
     "A-20261120-0117ABCD", "A-20261120-0117abcde", "/etc", "A-20261120-00000000", "A-٢٠٢٦١١٢٠-0117abcd",
     "x" * 5000],
)  # fmt: skip
def test_an_id_is_no_path(workspace, audit, id_):
    workspace.save(audit, TEXT)
    for ask in (workspace.load, workspace.contract_bytes, lambda i: workspace.artifact(i, "audit.json")):
        with pytest.raises(UsageError, match="no audit of this id"):
            ask(id_)


@pytest.mark.parametrize("name", ["", "..", ".", "nothing.json", "../../x"])
def test_an_artifact_is_a_file_of_the_audit(workspace, audit, name):
    workspace.save(audit, TEXT)
    with pytest.raises(UsageError, match="no such file"):
        workspace.artifact(audit.id, name)
    assert workspace.artifact(audit.id, "../contract.yaml") == TEXT


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rows.csv", "rows.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\rows.csv", "rows.csv"),
        ("..", "upload"),
        ("", "upload"),
        ("/", "upload"),
        ("...", "upload"),
        ("größe 年.csv", "größe 年.csv"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("data[1]*?.csv", "data_1___.csv"),
        ("report (1).csv", "report (1).csv"),
    ],
)
def test_names_of_uploads(workspace, name, shown):
    path = workspace.store_upload(name, io.BytesIO(b"content"))
    assert path.name == shown and path.read_bytes() == b"content"
    assert path.parent.name == hashlib.sha256(b"content").hexdigest()
    assert path.parent.parent == workspace.root / "inputs"


def test_a_long_name_keeps_its_ending(workspace):
    for stem in ("x" * 4000, "年" * 4000):
        path = workspace.store_upload(f"{stem}.parquet", io.BytesIO(b"c"))
        assert path.suffix == ".parquet" and len(path.name.encode()) <= 200
    assert workspace.store_upload("a." + "b" * 4000, io.BytesIO(b"c")).exists()


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300), st.binary(max_size=20))
def test_any_upload_stays_in_its_folder(workspace, name, content):
    path = workspace.store_upload(name, io.BytesIO(content))
    assert (
        path.resolve().parent == (workspace.root / "inputs" / hashlib.sha256(content).hexdigest()).resolve()
    )
    assert path.read_bytes() == content
    assert not [left for left in (workspace.root / "inputs").iterdir() if left.is_file()]


# --- who holds an upload, and when it goes


def stored(workspace, content, holder, name="rows.csv"):
    return workspace.store_upload(name, io.BytesIO(content), holder)


def audited(workspace, path):
    """Write down an audit that was made from a file."""
    folder = workspace.root / "audits" / "A-20261122-00000000"
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps({"sources": [{"sha256": path.parent.name}]}))
    return path


def test_only_the_programs_own_account_can_read_an_upload(workspace):
    path = stored(workspace, b"rows", "visit")
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (
        path.parent,
        *(workspace.root / name for name in ("", "inputs", "holds", "scored", "audits")),
    ):
        assert folder.stat().st_mode & 0o777 == 0o700
    hold = next((workspace.root / "holds").iterdir())
    assert hold.stat().st_mode & 0o777 == 0o600 and "visit" not in hold.name


def test_an_upload_goes_with_the_last_who_holds_it(workspace):
    path = stored(workspace, b"rows", "one")
    stored(workspace, b"rows", "two")
    workspace.inputs.let_go(path.parent.name, "one")
    assert path.exists()
    workspace.inputs.let_go(path.parent.name, "two")
    assert everything(workspace.root / "inputs") == [] == everything(workspace.root / "holds")
    workspace.inputs.let_go(path.parent.name, "two")  # twice is no fault


def test_an_upload_that_was_audited_stays(workspace):
    path = audited(workspace, stored(workspace, b"rows", "one"))
    workspace.inputs.let_go(path.parent.name, "one")
    assert workspace.inputs.sweep(0, now=time.time() + 1e6) == 0
    assert path.read_bytes() == b"rows"


def test_what_nobody_renews_is_swept_with_what_was_scored_from_it(workspace):
    kept, gone = stored(workspace, b"kept", "here"), stored(workspace, b"gone", "left")
    scored = workspace.scored_path("m" * 64, gone.parent.name, "score", None)
    scored.write_bytes(b"rows and scores")
    before = time.time() - 400
    for hold in (workspace.root / "holds").iterdir():
        os.utime(hold, (before, before))
    workspace.inputs.renew(["here"])
    assert workspace.inputs.sweep(300) == 1
    assert kept.exists() and not gone.exists() and not scored.exists()


def test_half_an_upload_is_swept_after_a_day(workspace):
    part = workspace.root / "inputs" / ".part-killed"
    part.write_bytes(b"CANARY")
    workspace.inputs.sweep(0)
    assert part.exists()
    workspace.inputs.sweep(0, now=time.time() + 90_000)
    assert everything(workspace.root / "inputs") == []


def test_scores_of_a_file_that_no_audit_used_are_swept_after_a_day(workspace):
    path = workspace.scored_path("m" * 64, "d" * 64, "score", None)
    path.write_bytes(b"rows")
    (workspace.root / "scored" / "old.parquet").write_bytes(b"rows")
    workspace.inputs.sweep(0)
    assert path.exists()
    workspace.inputs.sweep(0, now=time.time() + 90_000)
    assert everything(workspace.root / "scored") == []


def test_uploads_are_bounded(workspace, monkeypatch):
    monkeypatch.setenv("EVENHAND_UPLOAD_QUOTA", str(3000 / 2**30))
    stored(workspace, b"a" * 2000, "one")
    with pytest.raises(UsageError, match="no room for this file") as caught:
        stored(workspace, b"b" * 1001, "one", "../secret\n.csv")
    assert caught.value.where == "secret_.csv"
    assert len(everything(workspace.root / "inputs")) == 2
    stored(workspace, b"b" * 1000, "one")
    monkeypatch.setenv("EVENHAND_UPLOAD_QUOTA", "much")
    with pytest.raises(UsageError, match="no number of gigabytes"):
        stored(workspace, b"c", "one")


def test_a_file_that_is_taken_up_again_while_it_goes_is_not_lost(workspace):
    """Visits let go of the same bytes as others upload them, over and over."""
    lost = []

    def visit(name):
        for _ in range(100):
            path = stored(workspace, b"rows", name)
            if not path.exists():
                lost.append(name)
            workspace.inputs.let_go(path.parent.name, name)

    threads = [threading.Thread(target=visit, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost and everything(workspace.root / "inputs") == []


def test_the_same_bytes_are_kept_once_per_name(workspace):
    one = workspace.store_upload("a.csv", io.BytesIO(b"c" * 3_000_000))
    assert workspace.store_upload("x/a.csv", io.BytesIO(b"c" * 3_000_000)) == one
    assert everything(workspace.root / "inputs") == [one.parent.name, f"{one.parent.name}/a.csv"]


def test_a_broken_upload_leaves_nothing(workspace):
    class Broken(io.BytesIO):
        def read(self, _size=-1):
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        workspace.store_upload("a.csv", Broken())
    assert everything(workspace.root / "inputs") == []


def test_scores_of_another_class_are_other_scores(workspace):
    """A contract that names the other class as positive must not get the first one's scores."""
    given_ = ("m" * 64, "d" * 64, "score")
    paths = {workspace.scored_path(*given_, positive) for positive in ("0", "1", None, "None")}
    paths |= {workspace.scored_path("m", "d", "a b", "c"), workspace.scored_path("m", "d a", "b", "c")}
    assert len(paths) == 6 and {path.parent.parent for path in paths} == {workspace.root / "scored"}
    assert {path.parent.name for path in paths} == {"d" * 64, "d", "d a"}
    assert workspace.scored_path(*given_, "0") == workspace.scored_path(*given_, "0")
