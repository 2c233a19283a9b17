#!/usr/bin/env python3
"""A controller's module of about BYTES bytes that do not compress, on stdout: big_module.py BYTES [SEED]

It imports nothing, exports `_start` and `memory`, and holds the bytes in a custom section.
"""
import random
import sys


def leb(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def section(number, data):
    return bytes([number]) + leb(len(data)) + data


def module(n, seed):
    yield b"\0asm\1\0\0\0"
    yield section(1, b"\x01\x60\x00\x00") + section(3, b"\x01\x00") + section(5, b"\x01\x00\x01")
    yield section(7, b"\x02\x06memory\x02\x00\x06_start\x00\x00") + section(10, b"\x01\x02\x00\x0b")
    yield section(0, b"\x04fill" + random.Random(seed).randbytes(n))


if __name__ == "__main__":
    for piece in module(int(sys.argv[1]), int((sys.argv + ["1"])[2])):
        sys.stdout.buffer.write(piece)
