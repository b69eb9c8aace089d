"""A backend in Python for tests of the guest alone: it offers whatever the
test wants, and hands the frames it takes to the test."""

import mmap
import struct

import toolstack
import xen_local
from lab.session import wait_for

PAGE = 4096
TX_BLANK, TX_VALIDATED, TX_MORE, TX_EXTRA = 1, 2, 4, 8
RX_VALIDATED, RX_BLANK, RX_MORE, RX_EXTRA = 1, 2, 4, 8
GSO, MCAST_ADD, MCAST_DEL, HASH, XDP = 1, 2, 3, 4, 5
RSP_NULL = 1

INIT_WAIT, CONNECTED, CLOSING, CLOSED = 2, 4, 5, 6
RECONFIGURING, RECONFIGURED = 7, 8

(SET_FLAGS, SET_KEY, SET_MAPPING_SIZE, SET_MAPPING, SET_ALGORITHM,
 GREF_SIZE, GREF_ADD, GREF_DEL) = 2, 3, 5, 6, 7, 8, 9, 10

FEATURES = {
    "feature-rx-copy": 1, "feature-sg": 1, "feature-gso-tcpv4": 1,
    "feature-gso-tcpv6": 1, "feature-ipv6-csum-offload": 1,
    "feature-split-event-channels": 1, "multi-queue-max-queues": 4,
    "feature-ctrl-ring": 1, "feature-multicast-control": 1,
    "feature-dynamic-multicast-control": 1, "feature-xdp-headroom": 1,
}


class Frame:
    def __init__(self, data=b"", queue=0, blank=False, gso=None):
        self.data = data
        self.queue = queue
        self.blank = blank
        self.gso = gso                  # (MSS, type) or None.
        self.extras = []                # Others, raw.


def toeplitz(key, data):
    window = int.from_bytes(key, "big")
    bits = len(key) * 8
    value = 0
    for i, byte in enumerate(data):
        for bit in range(8):
            if byte << bit & 0x80:
                shift = bits - 32 - i * 8 - bit
                value ^= (window >> shift if shift >= 0
                          else window << -shift) & 0xffffffff
    return value


def hash_of(key, data):
    """(type, value) of a frame without VLAN tags and IP options, or None."""
    ethertype = data[12:14]
    if ethertype == b"\x08\x00":
        tcp = data[23] == 6
        return int(tcp), toeplitz(key, data[26:38 if tcp else 34])
    if ethertype == b"\x86\xdd":
        tcp = data[20] == 6
        return 2 + tcp, toeplitz(key, data[22:58 if tcp else 54])
    return None


class Ring:
    """A shared ring from the backend's side."""

    def __init__(self, memory, gref, slot_bytes, n_slots):
        self.memory = memory
        self.words = memoryview(memory).cast("I")
        self.base = gref * PAGE
        self.slot_bytes = slot_bytes
        self.n_slots = n_slots
        self.req_cons = self.rsp_prod = 0

    # Indices are loaded and stored as a whole, which struct does not do.

    def load(self, at):
        return self.words[(self.base + at) // 4]

    def store(self, at, value):
        self.words[(self.base + at) // 4] = value & 0xffffffff

    def slot(self, index):
        return (self.base + 64
                + (index & (self.n_slots - 1)) * self.slot_bytes)

    def available(self):
        n = (self.load(0) - self.req_cons) & 0xffffffff
        assert n <= self.n_slots
        return n

    def take(self, form):
        value = struct.unpack_from(form, self.memory,
                                   self.slot(self.req_cons))
        self.req_cons += 1
        return value

    def respond(self, form, *values):
        struct.pack_into(form, self.memory, self.slot(self.rsp_prod),
                         *values)
        self.rsp_prod += 1

    def publish(self):
        self.store(8, self.rsp_prod)
        self.store(4, self.req_cons + 1)


class Channel:
    def __init__(self, broker, domid, port):
        self.wait, self.fd = broker.call(xen_local.BIND, domid=domid,
                                         port=port).fds

    def kick(self):
        xen_local.kick(self.fd)


class Queue:
    def __init__(self, backend, directory):
        read = backend.number
        self.tx = Ring(backend.memory, read(directory + "tx-ring-ref"), 12,
                       256)
        self.rx = Ring(backend.memory, read(directory + "rx-ring-ref"), 8,
                       256)
        shared = read(directory + "event-channel")
        ports = ([shared] if shared else
                 [read(directory + "event-channel-tx"),
                  read(directory + "event-channel-rx")])
        self.channels = [backend.channel(port) for port in ports]


class Backend:
    """The backend of one guest's vif 0."""

    def __init__(self, xen_dir, xs, domid, guest, mac, features=()):
        self.xs = xs
        self.domid = domid
        self.guest = guest
        self.broker = xen_local.Client(xen_dir / str(domid) / "broker.sock")
        self.path = toolstack.backend_path(domid, guest)
        self.frontend = toolstack.frontend_path(guest)
        toolstack.add_vif(xs, domid, guest, mac)
        for key, value in {**FEATURES, **dict(features)}.items():
            self.write(key, value)
        xs.share(self.path, domid, guest)
        self.memory = None
        self.queues = []
        self.control = None
        self.requests = []              # On the control ring.
        self.mapped = {}                # gref -> flags, for each queue.
        self.key = None
        self.mapping = []
        self.hashing = False
        self.headroom = 0
        self.write("state", INIT_WAIT)

    def write(self, leaf, value):
        self.xs.write("%s/%s" % (self.path, leaf), str(value))

    def read(self, leaf):
        """A node of the frontend."""
        return self.xs.read("%s/%s" % (self.frontend, leaf))

    def number(self, leaf):
        return int(self.read(leaf) or 0)

    def state(self):
        return self.number("state")

    def channel(self, port):
        return Channel(self.broker, self.guest, port)

    def wait_state(self, state):
        wait_for(lambda: (self.pump(), self.state() == state)[1], 10,
                 "the frontend to be in state %d, not %d"
                 % (state, self.state()), 0.001)

    def connect(self):
        """Waits for the frontend and takes up what it offers."""
        self.wait_state(CONNECTED)
        ring = self.number("ctrl-ring-ref")
        n = self.number("multi-queue-num-queues") or 1
        reply = self.broker.call(xen_local.GET_MEMORY, domid=self.guest)
        self.memory = mmap.mmap(reply.fds[0], reply.bytes)
        self.generation = reply.generation
        self.queues = [Queue(self, "queue-%d/" % i if n > 1 else "")
                       for i in range(n)]
        self.control = Ring(self.memory, ring, 16, 128) if ring else None
        self.control_channel = (self.channel(
            self.number("event-channel-ctrl")) if ring else None)
        self.headroom = self.number("xdp-headroom")
        self.hashing = False
        self.write("state", CONNECTED)

    def disconnect(self):
        """The frontend is Closing, or was told to: follows it."""
        self.write("state", CLOSING)
        self.wait_state(CLOSED)
        self.forget()
        self.write("state", CLOSED)
        self.write("state", INIT_WAIT)

    def forget(self):
        self.queues, self.control, self.mapped = [], None, {}

    # Frames from the guest.

    def grant(self, gref, readonly):
        flags, domid, frame = struct.unpack_from("=HHI", self.memory,
                                                 gref * 8)
        assert flags & 3 == 1 and domid == self.domid and frame == gref
        assert readonly == bool(flags & 4)
        return gref * PAGE

    def take_frame(self, queue):
        """One frame off a queue's Tx ring, answered."""
        tx = self.queues[queue].tx
        frame = Frame(queue=queue)
        ids, n_extras = [], 0
        more, extra = True, False
        while more or extra:
            assert tx.available()
            if extra:
                raw = tx.take("=BB6s4x")
                extra = raw[1] & 1
                n_extras += 1
                if raw[0] == GSO:
                    frame.gso = struct.unpack("=HBxxx", raw[2])
                else:
                    frame.extras.append((raw[0], raw[2]))
                continue
            gref, offset, flags, ident, size = tx.take("=IHHHH")
            assert offset + (size if ids else min(size, PAGE)) <= PAGE
            if not ids:
                total = size
                frame.blank = bool(flags & TX_BLANK)
                extra = flags & TX_EXTRA
            ids.append((gref, offset, size, ident))
            more = flags & TX_MORE
        rest = sum(size for _, _, size, _ in ids[1:])
        parts = []
        for i, (gref, offset, size, _) in enumerate(ids):
            size = size if i else total - rest
            at = self.grant(gref, True) + offset
            parts.append(self.memory[at:at + size])
        frame.data = b"".join(parts)
        assert len(frame.data) == total
        # As Linux does: the extras' behind the first.
        for i, (_, _, _, ident) in enumerate(ids):
            tx.respond("=Hh8x", ident, 0)
            for _ in range(0 if i else n_extras):
                tx.respond("=Hh8x", 0xdead, RSP_NULL)
        return frame

    def take(self):
        """All frames that there are on all queues."""
        frames = []
        for i, queue in enumerate(self.queues):
            n = len(frames)
            while queue.tx.available():
                frames.append(self.take_frame(i))
            queue.tx.publish()
            if len(frames) > n:
                queue.channels[0].kick()
        return frames

    # Frames to the guest.

    def extras_of(self, frame):
        extras = [bytes([kind, 0]) + raw for kind, raw in frame.extras]
        if frame.gso:
            extras.append(struct.pack("=BBHBxxx", GSO, 0, *frame.gso))
        if self.headroom:
            extras.append(struct.pack("=BBHxxxx", XDP, 0, self.headroom))
        hashed = self.hashing and hash_of(self.key, frame.data)
        if hashed:
            extras.append(struct.pack("=BBBBI", HASH, 0, hashed[0], 1,
                                      hashed[1]))
        for i in range(len(extras) - 1):
            extras[i] = extras[i][:1] + b"\x01" + extras[i][2:]
        return extras

    def give(self, frame, queue=None):
        """Delivers a frame, to the queue that its hash says.  False if there
        is no room."""
        if queue is None:
            hashed = self.hashing and hash_of(self.key, frame.data)
            queue = (self.mapping[hashed[1] % len(self.mapping)]
                     if hashed else frame.queue % len(self.queues))
        rx = self.queues[queue].rx
        room = PAGE - self.headroom
        extras = self.extras_of(frame)
        pieces = [frame.data[i:i + room]
                  for i in range(0, len(frame.data), room)]
        if rx.available() < len(pieces) + len(extras):
            return False
        for i, piece in enumerate(pieces):
            ident, gref = rx.take("=HxxI")
            at = self.grant(gref, False) + self.headroom
            self.memory[at:at + len(piece)] = piece
            flags = RX_MORE if i < len(pieces) - 1 else 0
            if not i:
                flags |= RX_BLANK | RX_VALIDATED if frame.blank else 0
                flags |= RX_EXTRA if extras else 0
            rx.respond("=HHHh", ident, 0, flags, self.headroom + len(piece))
            for extra in extras if not i else ():
                rx.take("=8x")
                rx.respond("=8s", extra)
        rx.publish()
        self.queues[queue].channels[-1].kick()
        return True

    # The control ring.

    def answer(self, kind, data):
        """Does a control request; returns status and data."""
        if kind == SET_KEY:
            at = data[0] * PAGE
            self.key = self.memory[at:at + data[1]].ljust(40, b"\0")
        elif kind == SET_MAPPING:
            self.mapping = list(struct.unpack_from(
                "=%dI" % data[1], self.memory, data[0] * PAGE))
        elif kind == SET_FLAGS:
            self.hashing = data[0] == 15
        elif kind == GREF_SIZE:
            return 0, 512
        elif kind in (GREF_ADD, GREF_DEL):
            table = self.mapped.setdefault(data[0], {})
            for i in range(data[2]):
                gref, flags = struct.unpack_from(
                    "=IH", self.memory, data[1] * PAGE + i * 8)
                if kind == GREF_ADD:
                    assert gref not in table
                    self.grant(gref, bool(flags & 1))
                    table[gref] = flags
                else:
                    del table[gref]
            return 0, data[2]
        return 0, 0

    def pump(self):
        """Serves the control ring."""
        while self.control and self.control.available():
            ident, kind, *data = self.control.take("=HHIII")
            self.requests.append(kind)
            self.control.respond("=HHII", ident, kind,
                                 *self.answer(kind, data))
            self.control.publish()
            self.control_channel.kick()

    def close(self):
        self.broker.close()
