"""An initramfs: files in the kernel's own format (newc,
Documentation/driver-api/early-userspace/buffer-format.rst), the same bytes for
the same files.

Thread: any.
Errors: OSError.
"""

import pathlib
import stat

HEADER = "070701" + "%08X" * 13
TRAILER = "TRAILER!!!"


class Image:
    """Files to be, by path.  Parent folders come by themselves."""

    def __init__(self):
        self.entries = {}               # Path: (mode, bytes, rdev).

    def __contains__(self, path):
        return path.strip("/") in self.entries

    def add_folder(self, path):
        path = path.strip("/")
        if path and path not in self.entries:
            self.add_folder(str(pathlib.PurePosixPath(path).parent)
                            if "/" in path else "")
            self.entries[path] = (stat.S_IFDIR | 0o755, b"", (0, 0))

    def _add(self, path, entry):
        path = path.strip("/")
        self.add_folder(str(pathlib.PurePosixPath(path).parent)
                        if "/" in path else "")
        self.entries[path] = entry

    def add_bytes(self, path, data, mode=0o644):
        if isinstance(data, str):
            data = data.encode()
        self._add(path, (stat.S_IFREG | mode, data, (0, 0)))

    def add_file(self, path, source):
        source = pathlib.Path(source)
        mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
        self.add_bytes(path, source.read_bytes(), mode)

    def add_link(self, path, target):
        self._add(path, (stat.S_IFLNK | 0o777, target.encode(), (0, 0)))

    def add_node(self, path, major, minor):
        """A character device."""
        self._add(path, (stat.S_IFCHR | 0o600, b"", (major, minor)))

    def to_bytes(self):
        out = bytearray()
        for number, (path, (mode, data, rdev)) in enumerate(
                sorted(self.entries.items()), 1):
            self._put(out, path, mode, data, rdev, number)
        self._put(out, TRAILER, 0, b"", (0, 0), 0)
        return bytes(out)

    @staticmethod
    def _put(out, path, mode, data, rdev, number):
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        out += (HEADER % (number, mode, 0, 0, links, 0, len(data), 0, 0,
                          rdev[0], rdev[1], len(name), 0)).encode()
        out += name
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
