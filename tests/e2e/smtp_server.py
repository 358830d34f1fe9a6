"""A mail server of the outside world: as much of SMTP (RFC 5321) as a client that sends mails meets, with STARTTLS,
TLS from the first byte, and AUTH PLAIN and LOGIN."""

import base64
import contextlib
import dataclasses
import socket
import ssl
import subprocess
import threading


@dataclasses.dataclass
class Received:
    sender: str
    recipients: list
    data: bytes
    over_tls: bool
    user: str


def certificate(folder, name="127.0.0.1"):
    """The paths of a new certificate and of its key."""
    paths = folder / (name + ".crt"), folder / (name + ".key")
    kind = "IP:" if name[0].isdigit() else "DNS:"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=" + kind + name,
                    "-keyout", str(paths[1]), "-out", str(paths[0])], check=True, capture_output=True)
    return paths


class SmtpServer:
    """`tls`: "starttls", "ssl" or None, by the `certificate`; `login`: a pair that is asked for; `refuses`: what is
    said to RCPT; `silent`: it takes connections and says nothing."""

    def __init__(self, add_cleanup, *, tls=None, certificate=None, login=None, refuses=None, silent=False):
        self.tls, self.login, self.refuses, self.silent = tls, login, refuses, silent
        self.mails, self.commands, self.connections = [], [], []
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*map(str, certificate))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        add_cleanup(self.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            if not self.silent:
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.tls == "ssl":
                connection = self.wrap(connection)
            Session(self, connection).run()

    def wrap(self, connection):
        wrapped = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self.connections.append(wrapped)
        wrapped.do_handshake()
        return wrapped


class Session:
    def __init__(self, server, connection):
        self.server, self.user, self.over_tls = server, None, server.tls == "ssl"
        self.take(connection)
        self.sender, self.recipients = None, []

    def take(self, connection):
        self.connection, self.file = connection, connection.makefile("rb")

    def say(self, *lines):
        text = "".join(line + "\r\n" for line in lines)
        self.connection.sendall(text.encode())

    def ask(self, challenge):
        self.say("334 " + challenge)
        return base64.b64decode(self.file.readline().strip()).decode()

    def run(self):
        self.say("220 mail.example ESMTP")
        while True:
            line = self.file.readline().decode().rstrip("\r\n")
            if not line:
                return
            self.server.commands.append(line.split()[0].upper())
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                self.say("221 bye")
                return
            getattr(self, "do_" + verb.lower(), self.do_unknown)(rest)

    def do_unknown(self, _):
        self.say("502 what?")

    def do_ehlo(self, _):
        extensions = ["8BITMIME"]
        if self.server.tls == "starttls" and not self.over_tls:
            extensions.append("STARTTLS")
        if self.server.login:
            extensions.append("AUTH PLAIN LOGIN")
        lines = ["mail.example"] + extensions
        self.say(*["250-" + line for line in lines[:-1]], "250 " + lines[-1])

    def do_starttls(self, _):
        self.say("220 go on")
        self.take(self.server.wrap(self.connection))
        self.over_tls = True

    def do_auth(self, rest):
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            text = base64.b64decode(initial).decode() if initial else self.ask("")
            _, user, password = text.split("\0")
        else:
            user = base64.b64decode(initial).decode() if initial else self.ask("VXNlcm5hbWU6")
            password = self.ask("UGFzc3dvcmQ6")
        if (user, password) != self.server.login:
            self.say("535 no")
            return
        self.user = user
        self.say("235 welcome")

    def do_mail(self, rest):
        if self.server.login and not self.user:
            self.say("530 log in first")
            return
        self.sender = rest[rest.index("<") + 1:rest.rindex(">")]
        self.say("250 ok")

    def do_rcpt(self, rest):
        if self.server.refuses:
            self.say(self.server.refuses)
            return
        self.recipients.append(rest[rest.index("<") + 1:rest.rindex(">")])
        self.say("250 ok")

    def do_data(self, _):
        self.say("354 go on")
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.mails.append(Received(self.sender, self.recipients, b"".join(lines), self.over_tls, self.user))
        self.sender, self.recipients = None, []
        self.say("250 taken")
