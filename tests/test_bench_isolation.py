#!/usr/bin/python3
"""What 'netdom-bench isolation' makes of what it measured.  Measures
nothing."""

import argparse
import pathlib
import sys
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from bench import attacks, chart, isolation, isolation_result  # noqa: E402
from bench import slices                                    # noqa: E402
from bench.result import Result                             # noqa: E402

MS = 1_000_000


def piece(i, frames=40, lost=0, delay_ns=1000):
    """The slice from 20 i to 20 (i + 1) ms."""
    return {"begin_ns": 20 * i * MS, "end_ns": 20 * (i + 1) * MS,
            "frames": frames, "lost": lost, "delays": [[delay_ns, frames]]}


class Slices(unittest.TestCase):
    def test_stalls(self):
        self.assertEqual(slices.parse_stalls("0 5 9\n1 7 12\n0 1"),
                         [(5, 9), (7, 12)])
        self.assertEqual(slices.parse_stalls(""), [])

    def test_quantile(self):
        delays = {10: 98, 20: 1, 30: 1}
        self.assertEqual(slices.quantile_ns(delays, 0.5), 10)
        self.assertEqual(slices.quantile_ns(delays, 0.99), 20)
        self.assertEqual(slices.quantile_ns(delays, 1), 30)
        self.assertEqual(slices.quantile_ns({}, 0.99), 0)
        self.assertEqual(slices.quantile_ns({5: 0, 7: 1}, 0.1), 7)
        # In a class from 63488 to 65535.
        self.assertEqual(slices.quantile_ns({65535: 100}, 0), 63488)
        self.assertEqual(slices.quantile_ns({65535: 100}, 1), 65535)
        self.assertEqual(slices.quantile_ns({60000: 90, 65535: 10}, 0.95),
                         (63488 + 65535) / 2)

    def test_a_stall_spoils_its_slice_and_the_next(self):
        stall = [(45 * MS, 46 * MS)]
        spoilt = [slices.is_spoilt(piece(i), stall) for i in range(6)]
        self.assertEqual(spoilt, [False, False, True, True, False, False])

    def test_turn(self):
        pieces = [piece(i) for i in range(20)]
        pieces[3] = piece(3, frames=20, lost=20, delay_ns=9 * MS)
        turn = slices.Turn(pieces, [(61 * MS, 75 * MS)], 2000)
        self.assertEqual((turn.n_slices, turn.n_spoilt), (20, 2))
        self.assertTrue(turn.counts)
        found = turn.as_dict()
        self.assertEqual(found["lost"], 0)
        self.assertEqual(found["p99_us"], 1)
        self.assertEqual(found["of_guarantee_percent"], 100)

        found = slices.Turn(pieces, [], 2000).as_dict()
        self.assertEqual(found["lost"], 20)
        self.assertTrue(8400 < found["p99_us"] < 9000)
        self.assertEqual(found["of_guarantee_percent"], 97.5)

    def test_a_turn_of_which_little_is_left_does_not_count(self):
        pieces = [piece(i) for i in range(20)]
        self.assertFalse(slices.Turn(pieces, [(0, 300 * MS)], 2000).counts)
        self.assertFalse(slices.Turn([], [], 2000).counts)


def arm(p99_us=100, p50_us=50, lost=0, percent=100.0):
    return {"p50_us": p50_us, "p99_us": p99_us, "frames": 1000, "lost": lost,
            "of_guarantee_percent": percent}


def judged(is_flood=True, **arms):
    """The four rows' verdicts, of three like rounds."""
    turns = {name: arms.get(name, arm()) for name in isolation_result.ARMS}
    result = Result("isolation", "")
    isolation_result.add_rows(result, "x", [turns] * 3, is_flood)
    return [row.ok for row in result.rows]


class Judgement(unittest.TestCase):
    def test_isolated(self):
        self.assertEqual(judged(off=arm(p99_us=1000)), [True] * 4)

    def test_each_goal_can_be_missed(self):
        off = arm(p99_us=1000)
        self.assertEqual(judged(attacked=arm(p99_us=111), off=off),
                         [False, True, True, True])
        self.assertEqual(judged(attacked=arm(lost=1), off=off),
                         [True, False, True, True])
        self.assertEqual(judged(attacked=arm(percent=98.9), off=off),
                         [True, True, False, True])
        self.assertEqual(judged(off=arm(p99_us=999)),
                         [True, True, True, False])

    def test_harm(self):
        for off in (arm(p99_us=120), arm(p50_us=60), arm(percent=80.0),
                    arm(p99_us=0, p50_us=0, percent=0.0)):
            self.assertTrue(judged(is_flood=False, off=off)[3])
        self.assertFalse(judged(is_flood=False)[3])
        self.assertTrue(judged(off=arm(percent=9.0))[3])
        self.assertFalse(judged(off=arm(percent=11.0))[3])

    def test_one_bad_round_of_five_decides_nothing_but_losses(self):
        good = {name: arm() for name in isolation_result.ARMS}
        bad = dict(good, attacked=arm(p99_us=9000, lost=3))
        result = Result("isolation", "")
        isolation_result.add_rows(result, "x", [good] * 4 + [bad], False)
        self.assertEqual([row.ok for row in result.rows[:3]],
                         [True, False, True])

    def test_chance(self):
        """What varies by more than it may differ is decided later, or, if it
        is far from the goal, at once."""
        def rounds(*attacked):
            return [{"spinner": arm(), "attacked": arm(p99_us=value)}
                    for value in attacked]

        for ratio, values in ((1.0, (80, 100, 120)), (1.2, (90, 120, 150))):
            found = rounds(*values * 2)
            self.assertEqual(isolation_result.p99_ratio(found), ratio)
            self.assertFalse(isolation_result.is_decided(found))
            low, high = isolation_result.p99_interval(found)
            self.assertTrue(low < ratio < high)
            self.assertEqual((low, high),
                             isolation_result.p99_interval(found))
        for values in ((50, 60, 70), (300, 400, 500), (100,), (111,)):
            self.assertTrue(isolation_result.is_decided(rounds(*values * 4)))

    def test_more_turns_of_some_arms(self):
        more = {name: arm(lost=name == "attacked")
                for name in isolation_result.COMPARED}
        whole = {name: arm() for name in isolation_result.ARMS}
        result = Result("isolation", "")
        isolation_result.add_rows(result, "x", [whole, more, more], False)
        self.assertEqual(result.rows[1].result, 2)

    def test_quartiles(self):
        self.assertEqual(isolation_result.quartiles([3]), (3, 3))
        self.assertEqual(isolation_result.quartiles(list(range(8))), (2, 5))

    def test_too_much_set_aside(self):
        self.assertFalse(isolation_result.too_many_spoilt(25, 100))
        self.assertTrue(isolation_result.too_many_spoilt(26, 100))


class Attacks(unittest.TestCase):
    def test_all_thirteen(self):
        known = attacks.make()
        self.assertEqual(len(known), 13)
        self.assertEqual([name for name, attack in known.items()
                          if attack.is_flood],
                         ["flood-64", "flood-gso", "new-flows",
                          "tuple-space"])
        self.assertEqual({name for name, attack in known.items()
                          if not attack.by_guest},
                         {"openflow", "ovsdb", "crash"})

    def test_names(self):
        parse = isolation.parse_names(list(attacks.make()))
        self.assertEqual(parse("crash,events"), ["crash", "events"])
        for text in ("", "crash,", "nonsense"):
            with self.assertRaises(argparse.ArgumentTypeError):
                parse(text)

    def test_chart(self):
        script = chart.arms_script("x", "t", {
            'a "b`': {"on": 100, "off": 0}}, ("on", "off"), "us")
        self.assertIn('"a  b " 100.000000 0.100000', script)
        self.assertIn("using 3:xtic(1)", script)
        self.assertEqual(chart.arms_svg("x", "t", {}, ("on",), "us"), "")


if __name__ == "__main__":
    tap.run(Slices, Judgement, Attacks)
