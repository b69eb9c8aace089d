"""netdom-bench: real limits on the real data path."""

import json

from conftest import ROOT, run_tool

BENCH = ROOT / "tools/bench/netdom-bench"


def test_rate(nothing_left, tmp_path):
    page = tmp_path / "rate.html"
    done = run_tool(BENCH, "rate", "--rates=5Mbit,50Mbit", "--seconds=2",
                    "--json", "--html=%s" % page)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["ok"] is True
    assert [row["name"] for row in found["rows"]] == [
        "tx 5Mbit", "tx 50Mbit", "rx 5Mbit", "rx 50Mbit"]
    for row in found["rows"]:
        details = row["details"]
        share = 100 * details["measured_bps"] / details["limit_bps"]
        assert abs(share - row["result"]) < 0.01
        assert details["offered_bps"] > details["limit_bps"]
        # Back-pressure holds what is sent; what is received is dropped.
        assert (details["lost_frames"] > 0) == (details["direction"] == "rx")
    assert page.read_text().count("<svg") == 2


def test_rate_of_several_kinds(nothing_left):
    """Queues and large frames: one limit, beside a model of one per queue."""
    done = run_tool(BENCH, "rate", "--queues=1,2", "--sizes=1514,29254",
                    "--rates=50Mbit", "--seconds=1", "--json", "--low=85",
                    "--high=105")
    assert done.returncode == 0, done.stderr + done.stdout
    rows = json.loads(done.stdout)["rows"]
    assert [row["name"] for row in rows] == [
        "%s 50Mbit, %s, %d B" % (direction, queues, size)
        for queues in ("1 queue", "2 queues") for size in (1514, 29254)
        for direction in ("tx", "rx")] + [
            "model of xen-netback, tx 50Mbit, 1 queue",
            "model of xen-netback, tx 50Mbit, 2 queues"]
    assert [round(row["result"]) for row in rows[-2:]] == [1, 2]
    for row in rows[:-2]:
        assert row["details"]["queues"] in (1, 2)
        assert row["details"]["waited_ms"] >= 0


def test_receive_delay(nothing_left):
    """CoDel makes a queue short that its bound lets stand."""
    done = run_tool(BENCH, "receive-delay", "--rates=50Mbit", "--rounds=1",
                    "--seconds=3", "--json", "--quiet")
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1), done.stderr
    delay, throughput = found["rows"]
    assert delay["unit"] == "times" and throughput["unit"] == "%"
    for arm in ("with", "without"):
        assert len(delay["details"][arm + "_ms"]) > 50
        assert throughput["details"][arm + "_bps"][0] > 25e6
    assert delay["result"] < 1


def test_isolation(nothing_left, tmp_path):
    """Two attacks, in short: what is asserted differs by a factor of a
    hundred, or is a count.  A machine that was away too often is no
    failure."""
    page = tmp_path / "isolation.html"
    done = run_tool(BENCH, "isolation", "--attacks=flood-gso,crash",
                    "--rounds=2", "--more-rounds=1", "--seconds=0.5", "--json",
                    "--html=%s" % page)
    if done.returncode == 2:
        assert "were set aside, since a core was away" in done.stderr
        return
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1), done.stderr
    rows = {row["name"]: row for row in found["rows"]}
    assert len(rows) == 12
    for what in ("two tenants, 64 KiB GSO flood", "two tenants, crash loop",
                 "two VIFs, 64 KiB GSO flood"):
        assert rows[what + ": lost while attacked"]["ok"], rows
        assert rows[what + ": part of the guarantee while attacked"]["ok"]
        assert rows[what + ": harm without isolation"]["ok"], rows
        rounds = rows[what + ": p99 attacked over that beside a spinner"][
            "details"]["rounds"]
        assert all(turn[arm]["frames"] for turn in rounds
                   for arm in turn if arm != "off")
    assert page.read_text().count("<svg") == 2


def test_a_missed_goal_is_told(nothing_left):
    done = run_tool(BENCH, "rate", "--rates=5Mbit", "--directions=tx",
                    "--seconds=1", "--low=110", "--high=120", "--quiet")
    assert done.returncode == 1
    assert "FAILED  tx 5Mbit" in done.stdout
    assert done.stderr == ""
