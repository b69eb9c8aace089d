#!/usr/bin/python3
"""tools/fuzz, tools/coverage and tools/mutate: what they make of other
programs' words, and a project of a few lines whose checks are taken out."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from lab import (corpus, coverage, fuzz, mutate, mutation,  # noqa: E402
                 proof)

LOG = """\
INFO: Seed: 1
#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 30Mb
#41\tNEW    cov: 7 ft: 9 corp: 3/9b lim: 4 exec/s: 0 rss: 30Mb L: 4/4 MS: 1
==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60
READ of size 1 at 0x60 thread T0
    #0 0x55 in __asan_memcpy (/x/fuzz_a+0x1)
    #1 0x55 in be16 /src/build-asan/../datapath/csum.c:15:12
    #2 0x55 in LLVMFuzzerTestOneInput /src/tests/fuzz/fuzz_a.c:20:19
SUMMARY: AddressSanitizer: heap-buffer-overflow /src/datapath/csum.c:15 in be16
artifact_prefix='/f/a-'; Test unit written to /f/a-crash-01
stat::number_of_executed_units: 50
"""
ABORT = """\
==9== ERROR: libFuzzer: deadly signal
    #0 0x48 in __sanitizer_print_stack_trace (/x/fuzz_a+0x52)
    #9 0x51 in check_it /src/tests/fuzz/fuzz_a.c:82:5
SUMMARY: libFuzzer: deadly signal
"""
ROOT_OF_LOG = pathlib.Path("/src")


def quiet(function, *args, **kwargs):
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*args, **kwargs)


class Frame(unittest.TestCase):
    def test_result(self):
        result = proof.Result("x")
        self.assertFalse(result.ok)
        result.add("a", "> 1", 2, "s", True)
        self.assertTrue(result.ok)
        result.add("b", "> 1", 1, "s", False, more=3)
        found = json.loads(result.to_json())
        self.assertIs(found["ok"], False)
        for row in found["rows"]:
            self.assertLessEqual({"name", "goal", "result", "unit", "ok"},
                                 set(row))
        self.assertEqual(found["rows"][1]["more"], 3)

    def test_table(self):
        self.assertEqual(proof.table(["name", "n"], [["a", 5], ["bcdef", 55]]),
                         "name    n\n-----  --\na       5\nbcdef  55")

    def test_exit_status(self):
        def body(error=None, ok=True):
            if error:
                raise error
            result = proof.Result("x")
            result.add("a", "", "", "", ok)
            return result
        for status, args in [(0, ()), (1, (None, False)),
                             (2, (proof.CannotRun("no"),)),
                             (2, (OSError("no disk"),)),
                             (2, (KeyboardInterrupt(),))]:
            with self.assertRaises(SystemExit) as end:
                quiet(proof.main, lambda args=args: body(*args))
            self.assertEqual(end.exception.code, status)

    def test_usage(self):
        for words in (["fuzz", "--only=nonsense"], ["fuzz", "--minutes=-1"],
                      ["fuzz", "--minutes=0"], ["coverage", "nonsense"],
                      ["coverage", "--json", "--missing"],
                      ["mutate", "--nonsense"], ["mutate", "nonsense"]):
            with self.subTest(words=words):
                done = subprocess.run(
                    [ROOT / "tools" / words[0], *words[1:]], text=True,
                    capture_output=True, timeout=20)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr)


class Fuzz(unittest.TestCase):
    def test_progress(self):
        found = fuzz.Progress(LOG)
        self.assertEqual((found.executions, found.edges, found.features,
                          found.inputs), (50, 7, 9, 3))
        self.assertEqual(fuzz.Progress("").executions, 0)

    def test_finding(self):
        self.assertEqual(fuzz.name_finding(LOG, ROOT_OF_LOG),
                         "heap-buffer-overflow in be16, datapath/csum.c:15")
        self.assertEqual(fuzz.name_finding(ABORT, ROOT_OF_LOG),
                         "deadly signal in check_it, tests/fuzz/fuzz_a.c:82")
        self.assertEqual(fuzz.name_finding("", ROOT_OF_LOG),
                         "ended without a word")
        self.assertTrue(fuzz.excerpt(LOG)[0].startswith("==7==ERROR"))
        self.assertEqual(fuzz.excerpt("a\nb\n"), ["a", "b"])

    def test_every_fuzzer_is_known_and_has_a_corpus(self):
        sources = {path.stem.removeprefix("fuzz_")
                   for path in (ROOT / "tests/fuzz").glob("fuzz_*.c")}
        self.assertEqual(set(fuzz.all_names()), sources)
        for name in sources:
            kept = list(corpus.kept_folder(name).glob("*"))
            self.assertTrue(kept, name)
            self.assertLessEqual(len(kept), corpus.KEPT_MAX, name)
            for path in kept:
                self.assertLessEqual(path.stat().st_size,
                                     4096, path)

    def test_result_tells(self):
        result = proof.Result("fuzz")
        result.add("fuzz a", "no finding", "none", "", True, fuzzer="a",
                   executions=5, executions_per_s=1, corpus=2, edges=3,
                   features=4)
        self.assertIn("1 fuzzers, 5 executions, 0 findings",
                      fuzz.report(result))

    def test_control_file(self):
        found = corpus.read_control(
            "3\n1\n/k/a\n/g/b\n/g/c\nSTARTED 0 5\nFT 0 1 2\nCOV 0 7\n"
            "STARTED 1 3\nFT 1 2 3 4\nSTARTED 2 9\n")
        self.assertEqual(found, {"/k/a": {1, 2}, "/g/b": {2, 3, 4}})

    def test_choice(self):
        features = {"named": {1}, "big": {2, 3, 4}, "small": {2, 3, 4},
                    "one": {5}, "useless": {1, 2}}
        sizes = dict.fromkeys(features, 10) | {"big": 99}
        self.assertEqual(corpus.choose(features, sizes, ["named"], 9),
                         ["named", "small", "one"])
        self.assertEqual(corpus.choose(features, sizes, ["named"], 2),
                         ["named", "small"])


def segment(line, count, entry=True, has_count=True, gap=False):
    return [line, 1, count, has_count, entry, gap]


class Coverage(unittest.TestCase):
    # A function in lines 1 to 9 that ran, with a block that did not from the
    # middle of line 3 to line 5.
    SEGMENTS = [segment(1, 4), segment(3, 0), segment(5, 4, False),
                segment(9, 0, False, False)]

    def test_lines(self):
        n_lines, missed = coverage.missed_lines(self.SEGMENTS)
        self.assertEqual((n_lines, missed), (9, [4, 5]))
        self.assertEqual(coverage.missed_lines([]), (0, []))

    def test_branches(self):
        n_ways, missed = coverage.missed_branches([
            [7, 5, 7, 9, 1, 0, 0, 0, 4], [7, 5, 7, 9, 0, 0, 0, 0, 4],
            [8, 5, 8, 9, 0, 2, 0, 0, 4]])
        self.assertEqual(n_ways, 4)
        self.assertEqual(missed, [(7, 5, "false"), (8, 5, "true")])

    def test_one_file_by_two_names(self):
        def found(name, count):
            return {"filename": name, "branches": [
                [7, 5, 7, 9, count, 1 - count, 0, 0, 4]],
                    "segments": [segment(1, count),
                                 segment(3, 0, False, False)]}
        files = coverage.read_export(json.dumps({"data": [{"files": [
            found("/src/datapath/vif_tx.c", 0),
            found("/src/build/../datapath/vif_tx.c", 1),
            found("/src/tools/guest/main.c", 0)]}]}), ROOT_OF_LOG)
        self.assertEqual([file.path for file in files],
                         ["datapath/vif_tx.c"])
        self.assertEqual((files[0].n_lines, files[0].lines,
                          files[0].n_branches, files[0].branches),
                         (3, [], 2, []))

    def test_judgement(self):
        def file(n_missed):
            return type("File", (), {
                "path": "a.c", "n_lines": 100, "n_branches": 100,
                "lines": [0] * n_missed, "branches": [0] * n_missed})
        self.assertTrue(coverage.judge([file(5)], []).ok)
        self.assertEqual([row["ok"] for row in
                          coverage.judge([file(6)], []).rows], [False, True])
        self.assertFalse(coverage.judge([file(11)], []).rows[1]["ok"])
        self.assertFalse(coverage.judge([file(0)], ["b.c"]).ok)
        self.assertFalse(coverage.judge([], []).ok)

    def test_what_no_test_contains(self):
        self.assertNotIn("datapath/vif_tx.c",
                         coverage.untested(["datapath/vif_tx.c"]))
        self.assertIn("datapath/vif_tx.c", coverage.untested([]))

    def test_ranges(self):
        self.assertEqual(coverage.ranges([1, 2, 3, 7]), "1-3, 7")


TOY = {
    "meson.build": """\
project('toy', 'c')
subdir('tests/unit')
""",
    "tests/unit/meson.build": """\
executable('test_toy', 'test_toy.c', dependencies: dependency('cmocka'))
""",
    "tests/unit/test_toy.c": """\
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static int
half(int n)
{
    if (n < 0) {
        return -1;
    }
    if (n == 0) {
        return 0;
    }
    return n / 2;
}

static void
negative(void **state)
{
    assert_int_equal(half(-8), -1);
}

static void
zero(void **state)
{
    assert_int_equal(half(0), 0);
}

static void
sick(void **state)
{
    assert_true(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negative),
        cmocka_unit_test(zero),
        cmocka_unit_test(sick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
""",
}
CHECK = """\
    if (n < 0) {
        return -1;
    }
"""
ZERO = """\
    if (n == 0) {
        return 0;
    }
"""


def mut(old, new, test="unit toy negative", why="because"):
    return "why: %s\ntest: %s\n--- tests/unit/test_toy.c\n%s--- instead\n%s" \
        % (why, test, old, new)


class Mutate(unittest.TestCase):
    def test_runner(self):
        wanted = {
            "killed": mut(CHECK, ""),
            "dies": mut(CHECK, "    if (n < 0) {\n        abort();\n    }\n"),
            "survived": mut(ZERO, "", "unit toy zero"),
            "stale": mut("    if (n > 7) {\n", "    if (0) {\n"),
            "twice": mut("    }\n", ""),
            "broken": mut(CHECK, "    frob(;\n"),
            "sick": mut(CHECK, "", "unit toy sick"),
            "absent": mut(CHECK, "", "unit toy absent"),
            "again": mut(CHECK, ""),
        }
        with tempfile.TemporaryDirectory(prefix="netdom-toy-") as folder:
            root = pathlib.Path(folder, "toy")
            for name, text in TOY.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            result = quiet(
                mutate.try_all,
                [mutation.parse(name, text) for name, text in wanted.items()],
                root, root / "build-mutate/source")
            for name, text in TOY.items():
                self.assertEqual((root / name).read_text(), text)
        self.assertEqual(
            {row["name"]: row["result"] for row in result.rows}, {
                "killed": "killed", "dies": "killed", "survived": "survived",
                "stale": "stale", "twice": "stale",
                "broken": "does not build", "sick": "no test",
                "absent": "no test", "again": "killed"})
        self.assertEqual([row["name"] for row in result.rows if row["ok"]],
                         ["killed", "dies", "again"])

    def test_copy(self):
        with tempfile.TemporaryDirectory(prefix="netdom-toy-") as folder:
            root, copy = pathlib.Path(folder, "a"), pathlib.Path(folder, "b")
            root.mkdir()
            (root / "one").write_text("1")
            (root / "two").write_text("2")
            mutate.copy_tree(root, copy)
            stamp = (copy / "one").stat().st_mtime_ns
            (copy / "two").write_text("changed")
            (copy / "build").mkdir()
            (copy / "build/kept").write_text("")
            (root / "three").write_text("3")
            (root / "one").touch()
            mutate.copy_tree(root, copy)
            self.assertEqual((copy / "one").stat().st_mtime_ns, stamp)
            self.assertEqual((copy / "two").read_text(), "2")
            self.assertEqual((copy / "three").read_text(), "3")
            (root / "three").unlink()
            mutate.copy_tree(root, copy)
            self.assertFalse((copy / "three").exists())
            self.assertTrue((copy / "build/kept").exists())

    def test_whole_lines_only(self):
        one = mutation.parse("x", mut("b\n", "c\n"))
        self.assertEqual(one.apply({one.paths()[0]: "ab\nb\nbb\n"}),
                         {one.paths()[0]: "ab\nc\nbb\n"})
        for text in ("ab\n", "b\nb\n", ""):
            with self.assertRaises(mutation.Stale):
                one.apply({one.paths()[0]: text})

    def test_several_files(self):
        one = mutation.parse("x", mut("b\n", "c\n")
                             + "--- other.c\nd\n--- instead\n")
        self.assertEqual(one.paths(), ["other.c", "tests/unit/test_toy.c"])

    def test_what_is_wrong(self):
        for text, hint in [
                ("", "begins with"), ("why: x\n--- a\nb\n--- instead\n",
                                      "begins with"),
                (mut("", "b\n"), "changes nothing"),
                (mut("b\n", "b\n"), "changes nothing"),
                ("why: x\ntest: replay y\n", "changes nothing"),
                ("why: x\ntest: replay y\n--- a\nb\n", "--- instead"),
                (mut("b\n", "", "unit toy"), "unit PROGRAM TEST"),
                (mut("b\n", "", "frob toy"), "unit PROGRAM TEST"),
                ("advisory: XSA-3\n" + mut("b\n", "", "unit toy xsa_33"),
                 "'xsa_3'")]:
            with self.subTest(text=text):
                with self.assertRaises(proof.CannotRun) as error:
                    mutation.parse("x", text)
                self.assertIn("x.mut", str(error.exception))
                self.assertIn(hint, str(error.exception))

    def test_selection(self):
        every = [mutation.parse("xsa-1", mut("b\n", "")),
                 mutation.parse("other", mut("b\n", "", "pytest a.py::b"))]
        self.assertEqual(mutation.select(every, []), every)
        self.assertEqual(mutation.select(every, ["xsa-*"]), every[:1])
        self.assertEqual(mutation.select(every, [], True), every[:1])
        with self.assertRaises(proof.CannotRun):
            mutation.select(every, ["xsa-2"])

    def test_those_here_make_sense(self):
        every = mutation.read_folder(ROOT / mutate.PLACE)
        self.assertTrue(every)
        for one in every:
            with self.subTest(name=one.name):
                self.assertRegex(one.why, r"^[A-Z].*\.$")
                for path in one.paths():
                    self.assertTrue((ROOT / path).is_file(), path)


if __name__ == "__main__":
    tap.run(Frame, Fuzz, Coverage, Mutate)
