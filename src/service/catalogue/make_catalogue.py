"""Writes the tables of translations: a .po file of GNU gettext for each language.

Usage: make_catalogue.py OUTPUT LANGUAGE.po...
"""

import ast
import pathlib
import sys


def read_po(path):
    """The texts of a .po file by their English ones, without its header."""
    texts, entry, name = {}, {}, None
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        try:
            keyword, _, rest = line.partition(" ")
            if line.startswith('"'):
                entry[name] += ast.literal_eval(line)
            elif keyword in ("msgid", "msgstr"):
                name = keyword
                if name in entry:
                    raise ValueError("the entry before it is not at its end")
                entry[name] = ast.literal_eval(rest)
            elif not line and entry:
                english, text = entry.pop("msgid"), entry.pop("msgstr")
                if english in texts:
                    raise ValueError(f"{english!r} is there already")
                texts[english] = text
            elif line and not line.startswith("#"):
                raise ValueError("what is that?")
        except (KeyError, SyntaxError, ValueError) as error:
            raise SystemExit(f"{path}:{number}: {error!r}") from None
    del texts[""]
    return texts


def literal(text):
    """A C++ string literal; octal escapes end after three digits, hex ones don't."""
    return '"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
                         for byte in text.encode()) + '"'


def main(output, paths):
    lines = ['#include "service/catalogue/catalogue.hpp"', "", "namespace easyjwt {", "namespace {", ""]
    for path in paths:
        lines.append(f"constexpr Translation {path.stem}[] = {{")
        texts = read_po(path)
        # In the order of their bytes, as the table is searched.
        lines += [f"    {{{literal(english)}, {literal(texts[english])}}},"
                  for english in sorted(texts, key=str.encode)]
        lines.append("};")
    lines.append("constexpr Translations languages[] = {")
    lines += [f'    {{"{path.stem}", {path.stem}}},' for path in paths]
    lines += ["};", "", "}  // namespace", "",
              "constinit const std::span<const Translations> translated_languages{languages};", "",
              "}  // namespace easyjwt", ""]
    pathlib.Path(output).write_text("\n".join(lines), "ascii")


if __name__ == "__main__":
    main(sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]])
