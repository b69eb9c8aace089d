"""What goes into images: programs with the libraries that they need, kernel
modules with those that they need, a kernel as Xen starts it fastest.

Thread: any.
Errors: CannotRun.
"""

import lzma
import os
import pathlib
import re
import subprocess
import tempfile

from lab.proof import CannotRun

LIBRARIES = "lib/x86_64-linux-gnu"
LOADER = "lib64/ld-linux-x86-64.so.2"
XZ_MAGIC = b"\xfd7zXZ\x00"


def library_path(root):
    """Where an unpacked root's libraries are."""
    folders = [root / "usr/lib/x86_64-linux-gnu", root / LIBRARIES,
               *root.glob("usr/lib/xen-*/lib/x86_64-linux-gnu"),
               *root.glob("usr/lib/xen-*/lib")]
    return ":".join(str(folder) for folder in folders if folder.is_dir())


def needed(program, root=None):
    """The libraries that a program needs, by name: where they are."""
    env = dict(os.environ, LC_ALL="C")
    if root is not None:
        env["LD_LIBRARY_PATH"] = library_path(root)
    done = subprocess.run(["ldd", program], text=True, capture_output=True,
                          env=env)
    if "not a dynamic" in done.stdout + done.stderr:
        return {}
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if missing or done.returncode:
        raise CannotRun("%s needs %s" % (program, ", ".join(missing)
                                         or done.stderr.strip()))
    return dict(re.findall(r"(\S+) => (/\S+)", done.stdout))


def stripped(path):
    """A program's or library's bytes, without what only debuggers read."""
    path = pathlib.Path(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, "copy")
        subprocess.run(["strip", "--strip-unneeded", "-o", copy, path],
                       check=True, capture_output=True)
        return copy.read_bytes()


def add_elf(image, path, source):
    image.add_bytes(path, stripped(source), 0o755)


def add_program(image, path, source, root=None):
    """A program, and its libraries where the loader looks first."""
    add_elf(image, path, source)
    add_libraries(image, source, root)


def add_libraries(image, source, root=None):
    for name, where in needed(source, root).items():
        if "%s/%s" % (LIBRARIES, name) not in image:
            add_elf(image, "%s/%s" % (LIBRARIES, name), where)
    if LOADER not in image:
        add_elf(image, LOADER, "/" + LOADER)


def module_folder(root):
    return sorted(root.glob("lib/modules/*/kernel"))[-1]


def depends(path):
    """What the module says that it needs (modinfo(8))."""
    found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
    return [name for name in (found[1].decode() if found else "").split(",")
            if name]


def modules(root, names):
    """The files of these modules and of those that they need, in an order
    in which they can be loaded.  What is built in has no file."""
    known = {re.sub("-", "_", path.stem): path
             for path in module_folder(root).rglob("*.ko")}
    order = []

    def visit(name):
        path = known.get(name.replace("-", "_"))
        if path is None or path in order:
            return
        for other in depends(path):
            visit(other)
        order.append(path)

    for name in names:
        visit(name)
    return order


def add_modules(image, root, names, list_path):
    """The modules, and a list of them."""
    paths = []
    for module in modules(root, names):
        path = "/lib/modules/" + module.name
        image.add_file(path, module)
        paths.append(path)
    image.add_bytes(list_path, "".join(path + "\n" for path in paths))


def unpack_kernel(vmlinuz, target):
    """The kernel itself, which Xen then need not unpack."""
    data = pathlib.Path(vmlinuz).read_bytes()
    at = data.find(XZ_MAGIC)
    if at < 0:
        raise CannotRun("%s holds no kernel packed by xz" % vmlinuz)
    target.write_bytes(lzma.LZMADecompressor().decompress(data[at:]))
    subprocess.run(["strip", target], check=True)
