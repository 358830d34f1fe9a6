"""Writes password_tables.cpp: Django's common passwords and two of Python's Unicode classes.

Usage: make_password_tables.py common-passwords.txt.gz OUTPUT
"""

import collections
import gzip
import sys


def literal(text):
    """The inside of a C++ string literal; octal escapes end after three digits, hex ones don't."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in text
    )


def common_passwords(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        words = {line.strip() for line in file}
    words.discard("")
    by_size = collections.defaultdict(list)
    for word in words:
        by_size[len(word.encode())].append(word.encode())
    yield "constexpr CommonPasswordGroup groups[] = {\n"
    for size, group in sorted(by_size.items()):
        yield f"    {{{size}, {len(group)},\n"
        group.sort()
        row = max(1, 72 // size)
        for start in range(0, len(group), row):
            yield f'     "{literal(b"".join(group[start:start + row]))}"\n'
        yield "    },\n"
    yield "};\n"


def ranges(name, belongs):
    yield f"constexpr CodePointRange {name}_ranges[] = {{\n"
    start = None
    for point in range(0x110001):
        inside = point < 0x110000 and belongs(chr(point))
        if inside and start is None:
            start = point
        elif not inside and start is not None:
            yield f"    {{{start:#x}, {point - 1:#x}}},\n"
            start = None
    yield "};\n"


def main(source, output):
    with open(output, "w", encoding="ascii") as file:
        write = file.writelines
        write(['#include "user/password_tables.hpp"\n\nnamespace easyjwt {\nnamespace {\n'])
        write(common_passwords(source))
        write(ranges("digit", str.isdigit))
        write(ranges("word", lambda c: c.isalnum() or c == "_"))
        write(
            [
                "}  // namespace\n",
                "constinit const std::span<const CommonPasswordGroup> common_passwords{groups};\n",
                "constinit const std::span<const CodePointRange> digits{digit_ranges};\n",
                "constinit const std::span<const CodePointRange> word_characters{word_ranges};\n",
                "}  // namespace easyjwt\n",
            ]
        )


main(sys.argv[1], sys.argv[2])
