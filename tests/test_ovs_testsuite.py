#!/usr/bin/python3
"""tools/ovs-testsuite against a suite of a few lines that fails as told."""

import hashlib
import json
import pathlib
import subprocess
import tempfile
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = ROOT / "tools/ovs-testsuite"

# Group 1 passes, 2 is skipped.  3 fails with the daemon under test only, 4
# with both; 5 fails the first time only; 6 never ends in a result.
SUITE = """\
#!/bin/sh
at_help_all="1;one.at:1;passes;bfd tunnel;
2;one.at:9;is skipped;tunnel;
3;two.at:1;fails with ours;;
4;two.at:5;fails with both;;
5;two.at:9;fails once;flaky;
6;three.at:1;breaks;;
7;other.at:1;starts no daemon;;
"
case $1 in */daemon:*) ours=true ;; *) ours=false ;; esac
shift 2
for group; do
    case $group in
    1) echo "  1: passes                          ok" ;;
    2) echo "  2: is skipped                      skipped (one.at:9)" ;;
    3) if $ours; then echo "  3: fails with ours       FAILED (two.at:1)"
       else echo "  3: fails with ours       ok"; fi ;;
    4) echo "  4: fails with both                 FAILED (two.at:5)" ;;
    5) if test -e tried; then echo "  5: fails once      ok"
       else : > tried; echo "  5: fails once      FAILED (two.at:9)"; fi ;;
    esac
done
"""


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="netdom-suite-")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        tests = self.work / "src/tests"
        tests.mkdir(parents=True)
        (self.work / "out/tests").mkdir(parents=True)
        (tests / "testsuite").write_text(SUITE)
        for name in ("one", "two", "three"):
            (tests / (name + ".at")).write_text("OVS_VSWITCHD_START\n")
        (tests / "other.at").write_text("AT_CHECK\n")
        tarball = self.work / "tarball"
        tarball.write_text("never unpacked")
        daemon = self.work / "netdom-vswitchd"
        daemon.write_text("#!/bin/sh\n")
        daemon.chmod(0o755)
        text = TOOL.read_text()
        scope = {"__name__": "tool", "__file__": str(TOOL)}
        exec(compile(text, str(TOOL), "exec"), scope)
        digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
        (self.work / "stamp").write_text(
            " ".join([digest, *scope["CONFIGURE"]]))
        self.argv = [TOOL, "--work-dir=%s" % self.work, "-j1",
                     "--ovs-source=%s" % tarball, "--daemon=%s" % daemon]

    def run_tool(self, *words):
        return subprocess.run([*self.argv, *words], text=True,
                              capture_output=True, timeout=60)

    def test_list(self):
        result = self.run_tool("--list")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([line.split()[0] for line
                          in result.stdout.splitlines()],
                         ["one.at"] * 2 + ["two.at"] * 3 + ["three.at"])

    def test_selection(self):
        for words, numbers in [(["one"], "1 2"), (["one.at"], "1 2"),
                               (["bfd"], "1"), (["2-4"], "2 3 4"),
                               (["5", "TUNNEL"], "1 2 5")]:
            result = self.run_tool("--list", *words)
            self.assertEqual(
                " ".join(line.split()[1].rstrip(":") for line
                         in result.stdout.splitlines()), numbers)

    def test_all_is_well(self):
        result = self.run_tool("1", "2", "4")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("also fails with the stock daemon: two.at 4",
                      result.stdout)
        self.assertIn("1 passed, 1 failed (1 of them with the stock daemon "
                      "too), 1 skipped", result.stdout)

    def test_ours_alone_fails(self):
        result = self.run_tool("1-4")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("FAILED: two.at 3: fails with ours\n", result.stdout)
        self.assertNotIn("FAILED: two.at 4", result.stdout)

    def test_second_try(self):
        result = self.run_tool("5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("second try: two.at 5", result.stdout)

    def test_json(self):
        result = self.run_tool("--json", "--stock", "1-5")
        self.assertEqual(result.returncode, 1, result.stderr)
        report = json.loads(result.stdout)
        self.assertFalse(report["ok"])
        self.assertEqual([row["ok"] for row in report["rows"]],
                         [True, True, False, True, True])

    def test_suite_that_breaks_off(self):
        result = self.run_tool("1", "6")
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("before 1 of its groups", result.stderr)

    def test_cannot_run(self):
        for words, hint in [(["nonsense"], "no group for 'nonsense'"),
                            (["--daemon=/nonexistent"], "build netdom first"),
                            (["--ovs-source=/nonexistent"],
                             "apt-get install openvswitch-source"),
                            (["-j0"], "at least 1")]:
            result = self.run_tool(*words)
            self.assertEqual(result.returncode, 2, hint)
            self.assertIn(hint, result.stderr)
            self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    tap.run(Tool)
