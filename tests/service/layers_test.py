"""Checks that sources include only what stands beside or below them (docs/architecture.md).

Usage: layers_test.py PROJECT
"""
import pathlib
import re
import sys

# Who may use whom; everyone may use himself and core.
LAYERS = {
    "core": set(),
    "jose": set(),
    "token": {"jose"},
    "db": set(),
    "user": {"db"},
    "fetch": set(),
    "http": set(),
    "auth": {"token", "jose", "user", "db"},
    "client": {"token", "jose", "fetch"},
    "service": {"auth", "client", "token", "jose", "user", "db", "fetch", "http"},
}
# Libraries and the sources that may know them; no installed header may know any of them.
LIBRARIES = {
    "boost/beast": ("http/server.cpp", "http/request_reader.cpp", "fetch/response_reader.cpp"),
    "openssl/": ("core/", "jose/", "user/", "http/"),
    "sqlite3.h": ("db/",),
    "argon2.h": ("user/",),
    "crypt.h": ("user/",),
    "curl/": ("fetch/",),
    "spdlog/": ("service/log_sink.cpp",),
    "CLI/": ("service/program.cpp",),
    "toml++/": ("service/settings.cpp", "service/settings_table.cpp", "service/settings_table.hpp"),
}
SQL = re.compile(r'"[^"]*\b(SELECT\b.*\bFROM|INSERT INTO|DELETE FROM|UPDATE\b.*\bSET|CREATE TABLE)\b')
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def target_of(include):
    parts = include.removeprefix("easyjwt/").split("/")
    return parts[0] if len(parts) > 1 and parts[0] in LAYERS else None


def check(path, relative, public):
    """What is wrong with one file, as lines."""
    target = relative.split("/")[0]
    if target not in LAYERS:
        return [f"{path}: its folder is no target of the table"]
    wrong = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        place = f"{path}:{number}"
        include = INCLUDE.match(line)
        if include:
            name = include.group(1)
            used = target_of(name)
            if used and used not in LAYERS[target] | {target, "core"}:
                wrong.append(f"{place}: {target} must not know {used}: {name}")
            if public and used and not name.startswith("easyjwt/"):
                wrong.append(f"{place}: an installed header includes a private one: {name}")
            for library, users in LIBRARIES.items():
                if name.startswith(library) and (public or not relative.startswith(users or ("?",))):
                    wrong.append(f"{place}: must not know {library}")
        if SQL.search(line) and not (target == "db" or relative.endswith("_store.cpp")):
            wrong.append(f"{place}: SQL outside of a store")
    return wrong


def main(project):
    wrong, seen = [], 0
    for root, public in ((project / "include" / "easyjwt", True), (project / "src", False)):
        for path in sorted(root.rglob("*.[ch]pp")):
            seen += 1
            wrong += check(path, path.relative_to(root).as_posix(), public)
    print("\n".join(wrong) if wrong else f"{seen} files, all in their layers")
    return 1 if wrong or seen < 20 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
