"""Rules, metrics and schedule of a plan, read by the programs they are for: promtool, sh and cron."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from followed_factory import followed_of, gap_finding, plan_of, points
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_factory import NASTY, NASTY_PLAN, PLAN

from audit_core.errors import UsageError
from audit_core.metrics.intervals import Interval
from audit_core.report.crontab import LONGEST_COMMAND, Places, crontab, places_for
from audit_core.report.prometheus import alerts, rules, rules_test
from audit_core.report.prometheus_text import due, label_text, textfile

SERIES = re.compile(r'^(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (\S+)$')


def promtool(*arguments: str, given: bytes = b"", folder: Path | None = None) -> subprocess.CompletedProcess:
    """Run promtool; in CI its absence is a failure, elsewhere a reason to skip."""
    program = shutil.which("promtool")
    if program is None:
        reason = "no promtool; .ci/run installs it with Debian's prometheus"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run([program, *arguments], input=given, capture_output=True, cwd=folder, check=False)


@pytest.fixture(params=["plain", "hostile"], scope="module")
def written(request, tmp_path_factory):
    """A folder with a plan's rules and their tests."""
    plan = PLAN if request.param == "plain" else NASTY_PLAN
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yml").write_bytes(rules(plan))
    (folder / "test.yml").write_bytes(rules_test(plan, "rules.yml"))
    return plan, folder


# Rules


def test_promtool_accepts_the_rules(written):
    plan, folder = written
    found = promtool("check", "rules", "rules.yml", folder=folder)
    assert found.returncode == 0, found.stderr.decode()
    assert f"SUCCESS: {len(list(alerts(plan)))} rules found" in found.stdout.decode()


def test_the_rules_raise_what_they_promise_and_nothing_else(written):
    _, folder = written
    found = promtool("test", "rules", "test.yml", folder=folder)
    assert found.returncode == 0, found.stdout.decode() + found.stderr.decode()


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (' == 1"', ' == 2"'),  # no incident raises anything
        ('severity: "page"', 'severity: "ticket"'),  # a page has become a ticket
        ("time() > max(", "time() < max("),  # silence is turned round
        ("absent(", "count("),  # a run that is gone is not missed
    ],
)
def test_a_rule_that_is_wrong_fails_its_tests(was, now, tmp_path):
    made = rules(PLAN).decode()
    assert was in made
    (tmp_path / "rules.yml").write_text(made.replace(was, now), encoding="utf-8")
    (tmp_path / "test.yml").write_bytes(rules_test(PLAN, "rules.yml"))
    assert promtool("test", "rules", "test.yml", folder=tmp_path).returncode != 0


def test_every_watch_pages_or_tickets_as_the_plan_says():
    made = {(rule.labels.get("watch", ""), rule.alert): rule for rule in alerts(PLAN)}
    page = made["live_tpr_gap", "EvenhandConfirmed"]
    assert (page.labels["severity"], page.labels["owner"]) == ("page", "ml_owner")
    assert "Acknowledge within 4 hours. A page goes to ml_owner at once" in page.annotations["description"]
    ticket = made["live_tpr_gap", "EvenhandUnconfirmed"]
    assert ticket.labels["severity"] == "ticket"
    assert "A page goes" not in ticket.annotations["description"]
    known = "Known since the release: outside its limit, confirmed; accepted by an exception."
    assert known in page.annotations["description"]
    assert "Known since" not in made["live_tpr_gap", "EvenhandTrend"].annotations["description"]
    assert "Known since" not in made["adverse_impact", "EvenhandConfirmed"].annotations["description"]
    assert ("adverse_impact", "EvenhandWarning") not in made  # it has no warning
    assert ("adverse_impact", "EvenhandTrend") not in made  # it has no chart
    for alert in ("EvenhandNoWindow", "EvenhandNotRunning", "EvenhandOutcomesOverdue", "EvenhandPlanEnded"):
        assert made["", alert].labels["owner"] == "platform_oncall"
    none = replace(PLAN.watches[0], confirmed="none", unconfirmed="none", warning="none")
    quiet = replace(PLAN, watches=(none,), trend=replace(PLAN.trend, charts=()))
    assert {rule.labels.get("watch") for rule in alerts(quiet)} == {None}


# Metrics


def series(made: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Every line of a textfile, by its metric."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for line in made.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.fullmatch(line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
            found.setdefault(name, []).append((pairs, float(value)))
    return found


def one(made, metric, **labels):
    (value,) = [v for found, v in series(made)[metric] if labels.items() <= found.items()]
    return value


@pytest.fixture(scope="module")
def followed():
    return followed_of()


def test_promtool_accepts_the_metrics(followed):
    for each in (followed, hostile(followed), followed_of(missing=2), nothing_yet()):
        found = promtool("check", "metrics", given=textfile(each))
        assert (found.returncode, found.stderr.decode()) == (0, "")


def hostile(followed):
    """The same, with a watch, an owner and a group of hostile names."""
    plan = replace(followed.plan, watches=NASTY_PLAN.watches)
    rates = tuple(replace(rate, group=(NASTY,), subject=(NASTY,)) for rate in followed.estimates)
    return replace(followed, plan=plan, estimates=rates)


def nothing_yet():
    """A plan on its first day: no window has ended."""
    return followed_of(windows=(), rates=(), points=(), trends=(), estimates=(), incidents=(), exit_code=2)


def test_each_line_is_one_line_with_a_finite_number(followed):
    for each in (followed, hostile(followed), nothing_yet()):
        found = series(textfile(each))
        assert all(math.isfinite(value) for lines in found.values() for _, value in lines)
        for name, lines in found.items():
            keys = [tuple(sorted(labels.items())) for labels, _ in lines]
            assert len(keys) == len(set(keys)), name
    assert "\u202e" not in textfile(hostile(followed)).decode()
    assert 'a \\"b\\" \\\\ c[U+000A]' in textfile(hostile(followed)).decode()


@given(name=st.one_of(st.text(max_size=40), st.text(alphabet='"\\\n{}%$\r\t ', max_size=12)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_is_one_label_that_reads_back(followed, name):
    plan = replace(followed.plan, watches=(replace(followed.plan.watches[0], id=name, owner=name),))
    made = textfile(replace(followed, plan=plan, incidents=(), trends=(), estimates=()))
    for labels, _ in series(made)["evenhand_incident_open"]:
        if "watch" in labels:
            assert unescaped(labels["watch"]) == label_text(name)
    for line in rules(plan).decode().split("\n"):
        if line.strip().startswith("owner: "):
            read = json.loads(line.split(": ", 1)[1]).replace('{{"{{"}}', "{{")
            assert read in (label_text(name), followed.plan.silence_owner)


def unescaped(text):
    """A label's value as Prometheus reads it."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def test_numbers_limits_and_ranges_are_those_of_the_last_window_that_was_judged(followed):
    made, found = textfile(followed), gap_finding(4)
    watch = {"watch": found.check}
    assert one(made, "evenhand_watch_value", **watch) == pytest.approx(float(found.value))
    assert one(made, "evenhand_watch_lower", **watch) == pytest.approx(found.interval.low)
    assert one(made, "evenhand_watch_upper", **watch) == pytest.approx(found.interval.high)
    assert one(made, "evenhand_watch_at_least", **watch) == pytest.approx(found.lower)
    assert one(made, "evenhand_watch_limit", **watch, bound="max") == 0.1
    assert one(made, "evenhand_watch_limit", **watch, bound="warn") == 0.08
    assert one(made, "evenhand_watch_status", **watch, status="FAIL") == 1
    assert one(made, "evenhand_watch_status", **watch, status="PASS") == 0
    end = datetime(2027, 4, 1, tzinfo=UTC)  # March is judged, April's outcomes are still arriving
    assert one(made, "evenhand_watch_window_end_timestamp_seconds", **watch) == end.timestamp()
    assert one(made, "evenhand_window_outcomes") == 780
    assert one(made, "evenhand_window_state", state="maturing") == 1
    assert one(made, "evenhand_monitor_last_run_timestamp_seconds") == followed.as_of.timestamp()


def test_incidents_are_there_whether_open_or_not(followed):
    made = textfile(followed)
    assert one(made, "evenhand_incident_open", kind="confirmed", severity="page") == 1
    assert one(made, "evenhand_incident_open", kind="drift") == 1
    assert one(made, "evenhand_incident_open", kind="silence") == 0
    wanted = {rule.series for rule in alerts(followed.plan) if "incident_open" in rule.series}
    written_ = {line.rpartition(" ")[0] for line in made.decode().splitlines()}
    assert wanted <= written_  # a rule reads a series that is written


def test_estimates_are_marked_and_stand_on_enough_people(followed):
    found = series(textfile(followed))["evenhand_estimated_rate"]
    assert {labels["estimated"] for labels, _ in found} == {"yes"}
    assert {labels["window"] for labels, _ in found} == {"2027-04"}  # the others' outcomes are back
    few = tuple(replace(rate, people=49.9) for rate in followed.estimates)
    assert "evenhand_estimated_rate" not in series(textfile(replace(followed, estimates=few)))


def test_the_floor_and_the_level_are_those_of_the_contract(followed):
    finding = gap_finding(4)
    point = replace(
        points(followed.windows)[0], finding=replace(finding, low=replace(finding.low, numerator=40))
    )
    for floor, shown in ((10, True), (41, False)):
        plan = replace(followed.plan, privacy_floor=floor, level=Fraction(9, 10))
        found = series(textfile(replace(followed, plan=plan, points=(point,))))
        assert ("evenhand_watch_value" in found) is shown
        assert found["evenhand_plan_info"][0][0]["level"] == "0.9"
    plan = replace(followed.plan, privacy_floor=10_000)
    assert "evenhand_estimated_rate" not in series(textfile(replace(followed, plan=plan)))


def test_what_is_absent_or_stands_on_few_people_has_no_line(followed):
    finding = gap_finding(4)
    few = replace(finding.low, numerator=3)
    for changed in (
        replace(finding, value=None, lower=None, upper=None, interval=None),
        replace(finding, evidence="UNSUPPORTED", status="INCONCLUSIVE"),
        replace(finding, low=few),
    ):
        found = series(
            textfile(replace(followed, points=(replace(points(followed.windows)[0], finding=changed),)))
        )
        assert "evenhand_watch_value" not in found
        assert "evenhand_watch_status" in found
    endless = replace(finding, upper=math.inf, interval=Interval(0.1, math.inf))
    found = series(
        textfile(replace(followed, points=(replace(points(followed.windows)[0], finding=endless),)))
    )
    assert "evenhand_watch_lower" in found
    assert "evenhand_watch_upper" not in found


@pytest.mark.parametrize(
    ("unit", "last", "wanted"),
    [
        ("month", date(2027, 1, 31), datetime(2027, 3, 11, tzinfo=UTC)),
        ("month", None, datetime(2026, 12, 11, tzinfo=UTC)),
        ("week", date(2026, 11, 8), datetime(2026, 11, 26, tzinfo=UTC)),
        ("day", date(2026, 12, 31), datetime(2027, 1, 12, tzinfo=UTC)),
        ("month", date(2027, 4, 30), None),  # the plan has ended: nothing more is due
    ],
)
def test_the_next_window_is_due_so_many_days_after_its_end(unit, last, wanted):
    plan = replace(plan_of(), window=replace(plan_of().window, unit=unit), silence_days=10)
    assert due(plan, last) == wanted


# The schedule


def as_cron_reads_it(line: str) -> str:
    """The command of a line as cron hands it to the shell: five fields, then `%` unescaped and ended at."""
    command, read, escaped = line.split(None, 5)[5], [], False
    for character in command:
        if escaped:
            if character == "%":
                read[-1] = "%"
            else:
                read.append(character)
            escaped = False
            continue
        if character == "%":
            break
        read.append(character)
        escaped = character == "\\"
    return "".join(read)


def jobs(made: bytes) -> list[str]:
    lines = made.decode().split("\n")
    return [line for line in lines if line and not line.startswith(("#", "SHELL="))]


FOLDERS = ["plain", "with space", 'it\'s 100% "x"', "$HOME `id`", "$(id); #&*?~", "b\\%s\\\\%", "-rf", "山é"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("files", [0, 2])
def test_a_path_is_one_word_whatever_stands_in_it(folder, files, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("c")
    home = tmp_path / folder
    (home / "windows").mkdir(parents=True)
    names = [str(home / "windows" / f"{place} %.csv") for place in range(files)]
    for name in names:
        Path(name).write_text("", encoding="utf-8")
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$OUT"\nexit "$CODE"\n', encoding="utf-8")
    fake.chmod(0o755)
    places = replace(places_for(home / "plan.yaml", str(home), str(fake)), prom=str(home / "e.prom"))
    (job, again) = jobs(crontab(PLAN, places))
    assert job.split(None, 5)[:5] == ["17", "6", "2", "*", "*"]
    assert again.split(None, 5)[:5] == ["47", "6", "*", "*", "*"]
    for code in (0, 4):
        out = tmp_path / "out"
        found = subprocess.run(
            ["/bin/sh", "-c", as_cron_reads_it(job)], capture_output=True, check=False, cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "OUT": str(out), "CODE": str(code)},
        )  # fmt: skip
        window = ["--window", *names] if files else []
        assert out.read_text(encoding="utf-8").splitlines() == [
            "monitor", "--plan", str(home / "plan.yaml"), *window, "--prom", str(home / "e.prom"),
            "--workspace", str(home),
        ]  # fmt: skip
        said = found.stdout.decode()
        assert ("ended with code 4" in said) == (code == 4)
        assert found.stderr == b""
    assert (home / "evenhand-monitor.log").is_file()


@given(
    path=st.text(alphabet=st.characters(exclude_characters="\n\r\0", codec="utf-8"), min_size=1, max_size=40)
)
@settings(max_examples=60)
def test_any_path_is_one_word(path):
    (job, _) = jobs(crontab(PLAN, Places(plan=f"/{path}", windows="w", log="l")))
    words = shlex.split(as_cron_reads_it(job).split("[ -e ")[1])
    assert words[words.index("--plan") + 1] == f"/{path}"


def test_a_relative_path_is_no_option():
    assert "--plan ./-x.yaml" in jobs(crontab(PLAN, Places(plan="-x.yaml", windows="-w")))[0]


@pytest.mark.parametrize(("unit", "when"), [("day", ["* * *"]), ("week", ["* * 2", "* * *"])])
def test_a_job_runs_when_a_window_has_ended(unit, when):
    plan = replace(PLAN, window=replace(PLAN.window, unit=unit))
    found = jobs(crontab(plan, Places(plan="p", windows="w")))
    assert [" ".join(job.split(None, 5)[2:5]) for job in found] == when


@pytest.mark.parametrize("path", ["a\nb", "a\rb", "x" * LONGEST_COMMAND])
def test_what_cron_cannot_read_is_refused(path):
    with pytest.raises(UsageError):
        crontab(PLAN, Places(plan=path, windows="w"))


def test_names_in_a_comment_stay_in_it():
    lines = crontab(NASTY_PLAN, Places(plan="p", windows="w")).decode().splitlines()
    assert all(line.startswith(("#", "SHELL=", "17 ", "47 ")) or not line for line in lines)
