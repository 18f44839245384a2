"""Reads a ring as format.md says, without this crate: prints seq, kind, time, ext and payload."""
import mmap
import struct
import sys


def words(memory, at, count=1):
    return struct.unpack_from(f"={count}Q", memory, at)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Ring:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.memory = memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        version, mark = words(memory, 8, 2)
        if memory[:8] != b"EVNTRING" or words(memory, 248) != (1,):
            sys.exit("not a ring")
        if version >> 32 != 1 or mark != 0x0102030405060708:
            sys.exit("not a ring of this version and machine")
        if words(memory, 168) != (crc32c(memory[:168]),):
            sys.exit("the header is damaged")
        self.descriptors, self.n, self.payload, self.size = words(memory, 40, 4)

    def bounds(self):
        oldest, start = words(self.memory, 392, 2)
        (tail,) = words(self.memory, 256)
        return max(oldest, start, tail - self.n, 0), tail

    def read(self, seq):
        """The event, or None if it is lost or not there yet."""
        at = self.descriptors + seq % self.n * 64
        stamp, what, time, offset, *ext = words(self.memory, at, 8)
        if stamp != 2 * seq + 2 or words(self.memory, at) != (stamp,):
            return None
        kind, flags, length = what & 0xFFFF, what >> 16 & 0xFFFF, what >> 32
        if flags & 1:
            payload, ext = struct.pack("=4Q", *ext)[:length], [0] * 4
        else:
            first = offset % self.size
            ring = self.memory[self.payload : self.payload + self.size]
            payload = (ring[first:] + ring[:first])[:length]
            if words(self.memory, 384)[0] > offset:
                return None
        return seq, kind, time, ext, payload


if __name__ == "__main__":
    ring = Ring(sys.argv[1])
    for seq in range(*ring.bounds()):
        seq, kind, time, ext, payload = ring.read(seq)
        print(seq, kind, time, *ext, payload.hex(), sep=",")
