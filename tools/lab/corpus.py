"""A fuzzer's inputs: those that are kept with the source, and those that runs
have grown in the build folder.

Thread: the main thread.
Errors: CannotRun.
"""

import hashlib
import re
import shutil
import tempfile
import pathlib

from lab import proof
from lab.proof import ASAN, ROOT, CannotRun

KEPT_MAX = 64
INPUT_BYTES_MAX = 1024                  # Long ones are slow to replay.

# What libFuzzer and minimize() call inputs; other names were given by people,
# who had a reason.
HASH_NAME = re.compile(r"^[0-9a-f]{40}$")


def kept_folder(name):
    return ROOT / "tests/fuzz/corpus" / name


def grown_folder(name):
    return ASAN / "fuzz-corpus" / name


def read_control(text):
    """Features by file, from libFuzzer's control file of a merge."""
    lines = text.splitlines()
    files = lines[2:2 + int(lines[0])]
    features = {}
    for line in lines[2 + len(files):]:
        words = line.split()
        if words[:1] == ["FT"]:
            features[files[int(words[1])]] = {int(w) for w in words[2:]}
    return features


def choose(features, sizes, always, most):
    """Files that together have many features, each of which adds some:
    'always', and others up to 'most' in all.  Small ones are preferred."""
    chosen = list(always)
    covered = set().union(*(features.get(path, set()) for path in always))
    rest = {path: found - covered for path, found in features.items()
            if path not in always}
    while rest and len(chosen) < most:
        best = max(rest, key=lambda path: (len(rest[path]), -sizes[path],
                                           path))
        if not rest[best]:
            break
        chosen.append(best)
        gained = rest.pop(best)
        rest = {path: found - gained for path, found in rest.items()}
    return chosen


def _features(name, folders):
    """What each input in 'folders' reaches."""
    with tempfile.TemporaryDirectory(prefix="netdom-merge-") as scratch:
        control = pathlib.Path(scratch, "control")
        merged = pathlib.Path(scratch, "merged")
        log = pathlib.Path(scratch, "log")
        merged.mkdir()
        with open(log, "wb") as out:
            status = proof.run(
                [ASAN / "tests/fuzz" / ("fuzz_" + name),
                 "-set_cover_merge=1", "-merge_control_file=%s" % control,
                 "-max_len=%d" % INPUT_BYTES_MAX, merged, *folders],
                timeout_s=1800, env=proof.SANITIZER_ENV, stdout=out,
                stderr=out)
        if status or not control.exists():
            raise CannotRun("merging the corpus of %s failed: %s" % (
                name, log.read_text(errors="replace")[-500:]))
        return read_control(control.read_text())


def minimize(name):
    """Keeps the inputs that reach most.  Returns how many were kept before,
    and how many are now."""
    kept, grown = kept_folder(name), grown_folder(name)
    before = [str(path) for path in sorted(kept.glob("*"))]
    if not grown.is_dir():
        return len(before), len(before)
    features = _features(name, [kept, grown])
    sizes = {path: pathlib.Path(path).stat().st_size for path in features}
    features = {path: found for path, found in features.items()
                if sizes[path] <= INPUT_BYTES_MAX}
    always = [path for path in before
              if not HASH_NAME.match(pathlib.Path(path).name)]
    chosen = choose(features, sizes, always, max(KEPT_MAX, len(always)))
    for path in before:
        if path not in chosen:
            pathlib.Path(path).unlink()
    for path in map(pathlib.Path, chosen):
        if path.parent != kept:
            digest = hashlib.sha1(path.read_bytes()).hexdigest()
            shutil.copyfile(path, kept / digest)
    return len(before), len(chosen)
