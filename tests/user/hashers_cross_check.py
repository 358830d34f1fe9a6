"""Compares easyjwt_user with Debian's Django: hashers both ways, validators, e-mail addresses.

Usage: hashers_cross_check.py PROGRAM, where PROGRAM is built from cross_check.cpp.
"""

import base64
import hashlib
import json
import random
import subprocess
import sys
import unittest

import argon2
import django
from django.conf import settings

ALL_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher"
    for name in ("Argon2", "PBKDF2", "PBKDF2SHA1", "BCryptSHA256", "BCrypt")
]
settings.configure(PASSWORD_HASHERS=ALL_HASHERS, USE_I18N=False)
django.setup()

from django.contrib.auth import base_user, hashers, password_validation  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402
from django.core.validators import validate_email  # noqa: E402

PROGRAM = sys.argv.pop(1)
PASSWORDS = [
    "",
    "a",
    "correct horse battery staple",
    "pässwörd",
    "密码🔑",
    "x" * 71 + "é",  # the cut at 72 bytes goes through the letter
    "x" * 64,
    "y" * 65,
    "z" * 1000,
    " spaces stay ",
]


def ask(questions):
    """The answers, in order. `questions` have "ask" and its arguments."""
    text = "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in questions)
    done = subprocess.run(
        [PROGRAM], input=text.encode(), stdout=subprocess.PIPE, check=True, timeout=300
    )
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == len(questions), (len(answers), len(questions))
    return answers


def scrypt(password, n, salt, r, p):
    """Django 4's encoding, which Django 3.2 lacks."""
    hashed = hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=1 << 28)
    return f"scrypt${n}${salt}${r}${p}${base64.b64encode(hashed).decode()}"


def is_same_scrypt(password, encoded):
    _, n, salt, r, p, _ = encoded.split("$")
    return scrypt(password, int(n), salt, int(r), int(p)) == encoded


class Hashers(unittest.TestCase):
    def check_all(self, password, encoded):
        check = is_same_scrypt if encoded.startswith("scrypt$") else hashers.check_password
        self.assertTrue(check(password, encoded), (password, encoded))
        self.assertFalse(check(password[1:] + "?", encoded), (password, encoded))

    def test_django_accepts_ours(self):
        questions = []
        for password in PASSWORDS:
            for variant in ("argon2id", "argon2i", "argon2d"):
                for parallel in (1, 3):
                    questions.append(
                        dict(algorithm="argon2", variant=variant, parallel=parallel, memory=64)
                    )
            questions.append(dict(algorithm="argon2", memory=64, version=16))
            questions.append(dict(algorithm="pbkdf2_sha256", work=1))
            questions.append(dict(algorithm="pbkdf2_sha256", work=321))
            questions.append(dict(algorithm="pbkdf2_sha1", work=123))
            for variant in ("2a", "2b", "2y"):
                questions.append(dict(algorithm="bcrypt_sha256", work=4, variant=variant))
                questions.append(dict(algorithm="bcrypt", work=4, variant=variant))
            questions.append(dict(algorithm="scrypt", work=64, memory=8, parallel=2))
            for question in questions:
                question.setdefault("password", password)
        for question in questions:
            question["ask"] = "encode"
        for question, encoded in zip(questions, ask(questions)):
            # Plain bcrypt does not see beyond 72 bytes, where our wrong password begins to differ.
            if question["algorithm"] == "bcrypt" and len(question["password"].encode()) >= 72:
                self.assertTrue(hashers.check_password(question["password"], encoded))
            else:
                self.check_all(question["password"], encoded)

    def test_django_accepts_what_the_service_writes(self):
        algorithms = ["argon2", "pbkdf2_sha256", "pbkdf2_sha1", "bcrypt_sha256", "bcrypt", "scrypt"]
        questions = [
            dict(ask="encode_as_first", algorithm=algorithm, password="pässwörd 1")
            for algorithm in algorithms
        ]
        for algorithm, encoded in zip(algorithms, ask(questions)):
            self.assertTrue(encoded.startswith(algorithm + "$"), encoded)
            self.assertLessEqual(len(encoded), 128)
            check = is_same_scrypt if algorithm == "scrypt" else hashers.check_password
            self.assertTrue(check("pässwörd 1", encoded), encoded)
            if algorithm == "argon2":
                params = argon2.extract_parameters(encoded[len("argon2") :])
                self.assertEqual(
                    (params.memory_cost, params.time_cost, params.parallelism), (19456, 2, 1)
                )

    def test_we_accept_djangos(self):
        def with_factors(hasher, **factors):
            for name, value in factors.items():
                setattr(hasher, name, value)
            return hasher

        made = [
            with_factors(hashers.Argon2PasswordHasher(), memory_cost=128, parallelism=2),
            with_factors(hashers.Argon2PasswordHasher(), memory_cost=64, time_cost=5, parallelism=8),
            with_factors(hashers.PBKDF2PasswordHasher(), iterations=777),
            with_factors(hashers.PBKDF2SHA1PasswordHasher(), iterations=777),
            with_factors(hashers.BCryptSHA256PasswordHasher(), rounds=4),
            with_factors(hashers.BCryptPasswordHasher(), rounds=5),
        ]
        cases = []
        for password in PASSWORDS:
            encodings = [hashers.make_password(password, hasher=hasher) for hasher in made]
            encodings.append(scrypt(password, 32, "Salt with blank", 4, 3))
            encodings.append(hashers.make_password(password, salt="sält", hasher=made[2]))
            for encoded in encodings:
                cases.append((password, encoded, True))
                # Within the first 72 bytes, so that plain bcrypt sees it.
                cases.append(("?" + password, encoded, False))
        answers = ask([dict(ask="verify", password=p, encoded=e) for p, e, _ in cases])
        for (password, encoded, expected), answer in zip(cases, answers):
            self.assertEqual(answer, expected, (password, encoded))

    def test_we_accept_djangos_defaults(self):
        encodings = [hashers.make_password("pässwörd 1", hasher=h) for h in hashers.get_hashers()]
        encodings.append(scrypt("pässwörd 1", 1 << 14, "sharedsalt", 8, 5))
        questions = [dict(ask="verify", password="pässwörd 1", encoded=e) for e in encodings]
        questions += [dict(ask="verify", password="passwörd 1", encoded=e) for e in encodings]
        self.assertEqual(ask(questions), [True] * len(encodings) + [False] * len(encodings))


class User:
    """What UserAttributeSimilarityValidator looks at."""

    username = None
    names = {"first_name": "first name", "last_name": "last name", "email": "email address"}

    def __init__(self, values):
        for name, value in zip(self.names, values):
            setattr(self, name, value)
        user = self

        class Meta:
            @staticmethod
            def get_field(name):
                return type("Field", (), {"verbose_name": user.names[name]})

        self._meta = Meta

    def attributes(self):
        return [[getattr(self, name), f"The password is too similar to the {verbose}."]
                for name, verbose in self.names.items()]


class Validators(unittest.TestCase):
    validators = [
        getattr(password_validation, name)()
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ]

    def expected(self, password, user):
        try:
            password_validation.validate_password(password, user, self.validators)
        except ValidationError as error:
            return error.messages
        return []

    def compare(self, cases):
        answers = ask(
            [
                dict(ask="validate", password=p, attributes=user.attributes() if user else [])
                for p, user in cases
            ]
        )
        for (password, user), answer in zip(cases, answers):
            self.assertEqual(
                answer,
                self.expected(password, user),
                (password, user and user.attributes()),
            )
        return sum(bool(answer) for answer in answers)

    def test_common_passwords(self):
        common = sorted(self.validators[2].passwords)
        chosen = random.Random(1).sample(common, 300) + common[:3] + common[-3:]
        longest = sorted(common, key=len)[-5:]
        cases = [(word, None) for word in chosen + longest]
        cases += [(f" {word.upper()}\u2003", None) for word in chosen[:100]]
        cases += [(word + "#", None) for word in chosen[:100]]
        self.compare(cases)

    def test_similarity(self):
        rng = random.Random(2)
        letters = "abcdefgheeeaaistnr" * 4 + "ABCÄÖÜäöüßéñçЖждшαβγλ字漢あア٣५Ⅷ²½ǅﬁ🙂"
        separators = " -_.'@+·’\u00a0\u0301\u200d"

        def word(most):
            return "".join(rng.choice(letters) for _ in range(rng.randint(0, most)))

        def attribute():
            out = word(9)
            for _ in range(rng.randint(0, 2)):
                out += rng.choice(separators) + word(9)
            return out

        def near(text):
            out = list(text)
            for _ in range(rng.randint(0, 6)):
                at = rng.randint(0, len(out))
                if rng.random() < 0.5:
                    out.insert(at, rng.choice(letters))
                elif out:
                    out.pop(at - 1)
            rng.random() < 0.3 and rng.shuffle(out)
            out = "".join(out)
            return out.upper() if rng.random() < 0.2 else out

        cases = []
        for _ in range(1500):
            user = User([attribute(), attribute(), word(8) + "@" + word(7) + ".com"])
            source = rng.choice([value for value, _ in user.attributes()] + [word(20)])
            parts = [part for part in source.replace("@", " ").split() if part] or [source]
            cases.append((near(rng.choice(parts + [source])), user))
        similar = self.compare(cases)
        # The comparison means something only while both answers are common.
        self.assertGreater(similar, 200)
        self.assertLess(similar, 1400)

    def test_boundaries_of_similarity(self):
        cases = []
        for size in range(1, 24):
            for same in range(size + 1):
                password = "a" * same + "b" * (size - same)
                for other in (1, 2, 7, 10, 13, 20):
                    cases.append((password, User(["", "a" * other, ""])))
        cases += [(p, User(["...", "-", "@"])) for p in ("", ".", "--", "abc", "@@@@@@@@")]
        cases += [("a" * size, User(["a", "", ""])) for size in (9, 10, 11, 1000)]
        self.compare(cases)

    def test_every_character_as_a_digit_and_as_a_separator(self):
        points = [p for p in range(1, 0x110000) if not 0xD800 <= p <= 0xDFFF]
        # U+0130 has a lower case of two letters, a final sigma another one: documented differences.
        points = [p for p in points if p not in (0x130, 0x3A3)]
        rng = random.Random(3)
        chosen = points[:0x3000] + rng.sample(points, 2000)
        cases = [(chr(p) * 8, None) for p in chosen]
        cases += [("separate", User([f"xy{chr(p)}separate{chr(p)}", "", ""])) for p in chosen]
        self.compare(cases)


class Emails(unittest.TestCase):
    def is_valid(self, email):
        try:
            validate_email(email)
        except ValidationError:
            return False
        return True

    def compare(self, emails):
        answers = ask([dict(ask="email", email=email) for email in emails])
        for email, answer in zip(emails, answers):
            self.assertEqual(answer, self.is_valid(email), ascii(email))
        return sum(answers)

    def test_random(self):
        rng = random.Random(4)
        users = list("abzAZ09") * 3 + list("!#$%&'*+/=?^_`{|}~-.\"\\ @\t\n\x01\x7f\x80éſKıİ")
        hosts = list("abzAZ09") * 8 + list("--....[]:_ \x00ſKıİ")

        def some(pool, most):
            return "".join(rng.choice(pool) for _ in range(rng.randint(0, most)))

        def host():
            out = some(hosts, 12)
            # Hyphens at the ends of labels that need IDNA: a documented difference.
            return out if out.isascii() else out.replace("-", "")

        emails = []
        for _ in range(3000):
            user = some(users, 6)
            if rng.random() < 0.3:
                user = f'"{user}"'
            emails.append(user + "@" + host())
            emails.append("a@" + host())
            emails.append(user + "@example.com")
        valid = self.compare(emails)
        self.assertGreater(valid, 1000)
        self.assertLess(valid, 8000)

    def test_sizes(self):
        emails = []
        for size in (1, 61, 62, 63, 64, 65):
            emails += [f"a@{'b' * size}.com", f"a@b.{'c' * size}", f"a@x{'-' * size}y.com"]
        for size in (300, 307, 308, 309, 310):
            emails += ["a" * size + "@example.com", '"' + "\\ " * (size // 2) + '"@example.com']
        self.compare(emails)

    def test_address_literals(self):
        rng = random.Random(5)
        pool = ["::", ":", ".", "1", "0", "01", "255", "256", "ffff", "12345", "g", "1.2.3.4", "127"]
        emails = [
            "a@[" + "".join(rng.choice(pool) for _ in range(rng.randint(0, 9))) + "]"
            for _ in range(2000)
        ]
        for count in range(1, 10):
            emails.append("a@[" + ":".join(["ab"] * count) + "]")
            emails.append("a@[" + ":".join(["ab"] * count) + "::]")
            emails.append("a@[::" + ":".join(["ab"] * count) + "]")
            emails.append("a@[" + ":".join(["ab"] * count) + ":1.2.3.4]")
        self.assertGreater(self.compare(emails), 50)

    def test_international_domains(self):
        emails = [
            "a@" + domain
            for domain in (
                "bücher.de",
                "Bücher.DE",
                "straße.example",
                "例え.テスト",
                "пример.испытание",
                "παράδειγμα.δοκιμή",
                "उदाहरण.परीक्षा",
                "예제.테스트",
                "bücher",
                "bücher.",
                ".bücher",
                "bü..cher",
                "bü cher.de",
                "bü_cher.de",
                "x.bücher。de",
                "ｅｘａｍｐｌｅ.com",
                "ｅｘａｍｐｌｅ",
                "[１２７.0.0.1]",
                "☃.net",
                "xn--bcher-kva.de",
                "é" * 30 + ".fr",
                "é" * 80 + ".fr",
                "\u200d.com",
                "\ud7a3.com",
                "\ue000.com",
                "\ufffd.com",
                "\u2028.com",
                "bü@cher.de",
            )
        ]
        rng = random.Random(6)
        letters = "äöüéèñçøåæœžšđčабвгдежзαβγδεζ字漢語日本あいうアイウ가나다abcxyz019"
        for _ in range(500):
            labels = ["".join(rng.choice(letters) for _ in range(rng.randint(1, 9))) for _ in "ab"]
            emails.append("a@" + ".".join(labels))
        self.assertGreater(self.compare(emails), 400)

    def test_normalize(self):
        emails = ["A@B.C", " A@B.C\t", "a@B@Ü.DE", "none", " none ", "", "@", "Ä@ÄÖ.X"]
        answers = ask([dict(ask="normalize", email=email) for email in emails])
        expected = [base_user.BaseUserManager.normalize_email(email) for email in emails]
        self.assertEqual(answers, expected)


unittest.main()
