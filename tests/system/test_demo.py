"""tools/demo: changes nothing it was not asked to, sees limits that are not
there, and takes everything down, whatever happens to it.  That its rows hold
on this machine is a step of tools/check by itself."""

import json
import os
import re
import signal
import subprocess

import pytest

import lab
from conftest import ROOT, run_tool, traces

DEMO = ROOT / "tools/demo"


def run_id_of(text):
    """The id that the demo gave its run, out of what it said."""
    found = re.search(r"run ([0-9a-f]+), logs in", text)
    assert found, text
    return found.group(1)


def test_check_only_changes_nothing(tmp_path):
    build = tmp_path / "build"
    done = run_tool(DEMO, "--check-only",
                    env=dict(os.environ, NETDOM_BUILD=str(build)))
    assert done.returncode == 1
    assert "not built" in done.stderr
    assert done.stdout == ""
    assert not build.exists()


def test_limit_rows_fail_without_limits():
    done = run_tool(DEMO, "--yes", "--quick", "--no-limits", "--json")
    assert done.returncode == 1, done.stderr
    rows = [row for row in json.loads(done.stdout)["rows"]
            if " limit, " in row["name"]]
    assert len(rows) >= 8
    assert not any(row["ok"] for row in rows)
    # And for the right reason: more came through than the limit.
    for row in rows:
        limit = float(row["goal"].split()[0])
        if limit <= 100:
            assert row["result"] > 1.02 * limit, row
    assert traces(run_id_of(done.stderr)) == set()


def start_demo(until):
    """Starts the demo and waits until it says 'until'.  Returns it and its
    run's id."""
    demo = subprocess.Popen([DEMO, "--yes", "--quick", "--json"],
                            stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = ""
    for line in demo.stderr:
        said += line
        if until in line:
            run_id = run_id_of(said)
            assert traces(run_id) != set()
            return demo, run_id
    raise AssertionError("the demo ended early: " + said)


@pytest.mark.parametrize("signum,until", [
    (signal.SIGINT, "four guests"),
    (signal.SIGINT, "red-a tx UDP"),
    (signal.SIGTERM, "netdom-controller"),
])
def test_nothing_left_after_a_signal(signum, until):
    demo, run_id = start_demo(until)
    demo.send_signal(signum)
    out, err = demo.communicate(timeout=40)
    assert demo.returncode == 2, err
    assert "everything was taken down" in err
    assert out == ""
    assert traces(run_id) == set()


def test_a_killed_demo_is_cleaned_up_by_the_next():
    demo, run_id = start_demo("red-a tx UDP")
    demo.kill()
    demo.communicate(timeout=10)
    lab.clean_leftovers()
    assert traces(run_id) == set()
