"""Checks that every text that a person or a client can see is in every language, and no other.

Usage: catalogue_test.py PROJECT [--missing LANGUAGE]

Texts are what stands in a template's {{#t}}...{{/t}}, and in C++ (CONTRIBUTING.md) the literal that begins a
Text ({"Not found.", {}}, Text{"Log in"}) or has a _t behind it.
--missing prints the entries that a language lacks.
"""
import ast
import pathlib
import re
import sys

sys.dont_write_bytecode = True

LITERAL = r'((?:"(?:[^"\\\n]|\\.)*"\s*)+)'
IN_TEMPLATES = re.compile(r"\{\{#t\}\}(.*?)\{\{/t\}\}", re.DOTALL)
WITH_ARGUMENTS = re.compile(r"\{\s*" + LITERAL + r",\s*\{")
IN_SOURCES = (
    WITH_ARGUMENTS,
    re.compile(r"\bText(?:\s+\w+)?\s*\{\s*" + LITERAL),
    re.compile(r'((?:"(?:[^"\\\n]|\\.)*"\s*)*"(?:[^"\\\n]|\\.)*")_t\b'),
)
# What is like a Text with its arguments and is none: names of fields and the like; and a text that is data.
NAME = re.compile(r"[a-z][\w./]*")
NONE = {"", "{}"}
PLACEHOLDER = re.compile(r"\{\}|\{\{[#/^&{]?\w+\}\}")


def value(literals):
    """What adjacent literals of C++ say."""
    return "".join(ast.literal_eval(one) for one in re.findall(r'"(?:[^"\\\n]|\\.)*"', literals))


def texts_of(project):
    """Each text with the files that have it."""
    found = {}
    for path in sorted((project / "src").rglob("*.mustache")):
        for text in IN_TEMPLATES.findall(path.read_text("utf-8")):
            found.setdefault(text, set()).add(path)
    for root in ("src", "include"):
        for path in sorted((project / root).rglob("*.[ch]pp")):
            code = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
            for pattern in IN_SOURCES:
                for literals in pattern.findall(code):
                    text = value(literals)
                    if text not in NONE and not (pattern is WITH_ARGUMENTS and NAME.fullmatch(text)):
                        found.setdefault(text, set()).add(path)
    return found


def unmarked(project, used):
    """Literals that are texts by their look, a sentence or one with a gap, and that no pattern finds."""
    out = []
    for path in sorted((project / "src").rglob("*.cpp")):
        code = re.sub(r"^\s*//.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
        for literals in re.findall(LITERAL, code):
            text = value(literals)
            is_one = re.match(r"(\{\}|[A-Z]).* .*\{\}|\{\}.* [a-z]", text) and "returns {} if it stands" not in text
            if is_one and text not in used:
                out.append(f"{path}: a text without a mark? {text!r}")
    return out


def wrong_with(english, text):
    """What is wrong with a translation, as lines."""
    if not text:
        return ["is not translated"]
    wrong = []
    # Named ones may stand in another order.
    if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(english)):
        wrong.append("has other placeholders")
    if re.search(r"[<>]|&\w+;", text):
        wrong.append("has HTML in it")
    if text != text.strip() or "  " in text or "\n" in text:
        wrong.append("has white space too much")
    if english[-1] in ".:?" and text.rstrip("\N{NO-BREAK SPACE} ")[-1] != english[-1]:
        wrong.append(f"does not end in {english[-1]!r}")
    return wrong


def main(project, missing=None):
    folder = project / "src/service/catalogue"
    sys.path.insert(0, str(folder))
    from make_catalogue import read_po  # pylint: disable=import-outside-toplevel
    used = texts_of(project)
    if missing is not None:
        known = read_po(folder / (missing + ".po"))
        for english, paths in used.items():
            if english not in known:
                escaped = english.replace("\\", "\\\\").replace('"', '\\"')
                print(f'# {", ".join(sorted(path.name for path in paths))}\nmsgid "{escaped}"\nmsgstr ""\n')
        return 0
    wrong = []
    for path in sorted(folder.glob("*.po")):
        translated = read_po(path)
        wrong += [f"{path.name}: lacks {english!r} of {', '.join(sorted(map(str, paths)))}"
                  for english, paths in used.items() if english not in translated]
        wrong += [f"{path.name}: nothing uses {english!r}" for english in translated if english not in used]
        wrong += [f"{path.name}: {english!r} {what}"
                  for english, text in translated.items() for what in wrong_with(english, text)]
    wrong += unmarked(project, used)
    languages = len(list(folder.glob("*.po")))
    print("\n".join(wrong) if wrong else f"{len(used)} texts in {languages} languages and English")
    return 1 if wrong or languages < 3 or len(used) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[3] if sys.argv[2:3] == ["--missing"] else None))
