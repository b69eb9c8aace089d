#!/usr/bin/python3
"""netdom-bench's frame: the shape of results, the page, the exit status, and
what 'rate' makes of its options.  Measures nothing."""

import argparse
import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import types
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from bench import (chart, command, netback_model, qos_cost,  # noqa: E402
                   rate)
from bench.result import Result                             # noqa: E402
from lab.session import LabError                            # noqa: E402


def run_with(result, *words):
    """Runs main() with a command 'fake' that finds 'result' or raises it.
    Returns (status, stdout, stderr)."""
    def run(options, tell):
        tell("measuring")
        if isinstance(result, BaseException):
            raise result
        return result
    fake = types.SimpleNamespace(
        NAME="fake", SUMMARY="s", DESCRIPTION="d",
        add_options=lambda parser: None, run=run)
    held, command.COMMANDS = command.COMMANDS, (fake,)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main(["fake", *words])
    finally:
        command.COMMANDS = held
    return status, out.getvalue(), err.getvalue()


def found(*oks):
    result = Result("fake", "intro & <words>")
    for i, ok in enumerate(oks):
        result.add("row %d" % i, "> 1", 1.5, "s", ok, "a <note>", {"n": i})
    return result


class QosCost(unittest.TestCase):
    FOUND = {"burst": 32, "frame_bytes": 64, "tree": [8.0, 9.0, 30.0],
             "vif": [2.0] * 3, "none": [1.0] * 3, "rte_meter": [18.0] * 3,
             "rte_sched": [200.0] * 3}

    def test_the_median_counts(self):
        result = qos_cost.judge(self.FOUND)
        self.assertEqual([row.result for row in result.rows],
                         [9.0, 2.0, 1.0, 18.0, 200.0])
        self.assertTrue(result.ok)

    def test_too_dear(self):
        result = qos_cost.judge(dict(self.FOUND, tree=[25.1] * 3))
        self.assertFalse(result.ok)
        self.assertEqual([row.ok for row in result.rows],
                         [False, True, True, True, True])

    def test_interval(self):
        self.assertEqual(qos_cost.interval([5.0]), (5.0, 5.0, 5.0))
        median, low, high = qos_cost.interval(list(range(101)))
        self.assertEqual(median, 50)
        self.assertTrue(39 <= low <= 41 and 59 <= high <= 61, (low, high))


class Frame(unittest.TestCase):
    def test_json(self):
        status, out, err = run_with(found(True, False), "--json")
        self.assertEqual(status, 1)
        found_json = json.loads(out)
        self.assertEqual(found_json["command"], "fake")
        self.assertIs(found_json["ok"], False)
        self.assertEqual(len(found_json["rows"]), 2)
        for row in found_json["rows"]:
            self.assertLessEqual({"name", "goal", "result", "unit", "ok"},
                                 set(row))
        self.assertIn("measuring", err)

    def test_status(self):
        self.assertEqual(run_with(found(True, True))[0], 0)
        self.assertEqual(run_with(found(True, False))[0], 1)
        self.assertEqual(run_with(found())[0], 1)
        status, out, err = run_with(LabError("no disk"), "--quiet")
        self.assertEqual((status, out, err),
                         (2, "", "netdom-bench: no disk\n"))

    def test_text(self):
        status, out, _ = run_with(found(True, False), "--quiet")
        self.assertIn("FAILED  row 1", out)
        self.assertIn("1 of 2 goals missed.", out)

    def test_page_stands_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.html")
            result = found(True)
            result.charts.append(("A chart", "<svg></svg>"))
            self.assertEqual(run_with(result, "--html=%s" % page)[0], 0)
            text = page.read_text()
        self.assertIn("intro &amp; &lt;words&gt;", text)
        self.assertIn("<svg></svg>", text)
        self.assertFalse(re.search(r"(src|href)=|@import|url\(", text))

    def test_page_cannot_be_written(self):
        status, _, err = run_with(found(True), "--html=/no/such/folder/x")
        self.assertEqual(status, 2)
        self.assertIn("/no/such/folder/x", err)

    def test_usage(self):
        program = ROOT / "tools/bench/netdom-bench"
        for words in ([], ["nonsense"], ["rate", "--rates=5"],
                      ["rate", "--directions=up"], ["rate", "--size=10"]):
            with self.subTest(words=words):
                done = subprocess.run([program, *words], text=True,
                                      capture_output=True, timeout=20)
                self.assertEqual(done.returncode, 2)
                self.assertIn("usage", done.stderr)

    def test_man_page(self):
        text = (ROOT / "tools/bench/netdom-bench.1").read_text()
        text = text.replace("\\-", "-")
        shown = subprocess.run(
            [ROOT / "tools/bench/netdom-bench", "rate", "--help"], text=True,
            capture_output=True, timeout=20, check=True).stdout
        for option in set(re.findall(r"(?<![\w-])--[a-z-]+", shown)):
            if option != "--help":
                self.assertIn(option, text)


class Rate(unittest.TestCase):
    def test_rates(self):
        self.assertEqual(rate.parse_rates("1Mbit,1.5Gbit,64kbit"),
                         [1e6, 1.5e9, 64e3])
        for text in ("", "5", "0Mbit", "1Mb", "1mbit", "-1Mbit", "1Mbit,"):
            with self.subTest(text=text):
                with self.assertRaises(argparse.ArgumentTypeError):
                    rate.parse_rates(text)

    def test_format(self):
        for text in ("1Mbit", "64kbit", "10Gbit", "1500kbit"):
            self.assertEqual(rate.format_rate(rate.parse_rate(text)), text)
        self.assertEqual(rate.format_rate(1.25e6 + 5e6), "6250kbit")
        self.assertEqual(rate.format_rate(8001), "8001bit")

    def test_sizes_and_queues(self):
        self.assertEqual(rate.parse_sizes("64,1514,%d" % rate.GSO_BYTES),
                         [64, 1514, rate.GSO_BYTES])
        self.assertEqual(rate.parse_queues("1,8"), [1, 8])
        for parse, text in ((rate.parse_sizes, "63"),
                            (rate.parse_sizes, str(rate.GSO_BYTES + 1)),
                            (rate.parse_queues, "0"),
                            (rate.parse_queues, "1,9"),
                            (rate.parse_queues, "")):
            with self.assertRaises(argparse.ArgumentTypeError):
                parse(text)

    def test_large_frames_are_charged_as_pieces(self):
        self.assertEqual(rate.wire_bytes(64), 64)
        self.assertEqual(rate.wire_bytes(1514), 1514)
        self.assertEqual(rate.wire_bytes(54 + 2 * 1460), 2 * 1514)
        self.assertEqual(rate.wire_bytes(rate.GSO_BYTES), 44 * 1514)

    def test_judgement(self):
        options = types.SimpleNamespace(low=95.0, high=102.0, precision=None)

        def judged(measured_bytes, frame_bytes=1514):
            return rate.judge(measured_bytes, 8e6, 1.0, options, frame_bytes)

        self.assertTrue(judged(950000)[3])
        self.assertFalse(judged(949000)[3])
        self.assertFalse(judged(1021000)[3])
        options.precision = 0.1
        self.assertTrue(judged(1000000 - 1514)[3])      # One frame.
        self.assertFalse(judged(1000000 - 1515)[3])
        self.assertTrue(judged(1000000 + 1000, 64)[3])  # 0.1 %
        self.assertFalse(judged(1000000 + 1001, 64)[3])
        self.assertEqual(judged(1000000 + 500, 64)[1:3],
                         (0.05, "% off the limit"))

    def test_model_has_a_limit_for_each_queue(self):
        for n in (1, 2, 8):
            times = netback_model.sent_bps(100e6, n, 1514) / 100e6
            self.assertAlmostEqual(times, n, delta=n / 100)
        # Two intervals' worth at once, and a large frame's, is all that adds
        # up.
        queue = netback_model.Queue(100e6)
        queue.left_bytes = 0
        self.assertEqual(queue.run(10**9, 1514), 10**9 + 50000)
        self.assertLessEqual(queue.sent_bytes, 625000)

    def test_ratio_chart(self):
        script = chart.ratio_script("x", 'a "title`', [
            ("tx", [(1e7, 9.9e6), (1e6, 2e6)])], 95, 102)
        self.assertIn('"a  title "', script)
        self.assertIn("set yrange [94.000000:201.000000]", script)
        self.assertLess(script.index("1.000000 200.000000"),
                        script.index("10.000000 99.000000"))
        self.assertEqual(chart.ratio_svg("x", "y", [("tx", [])], 95, 102), "")


if __name__ == "__main__":
    tap.run(Frame, QosCost, Rate)
