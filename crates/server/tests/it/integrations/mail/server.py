"""A mail server for the tests: aiosmtpd, which is a real one, with STARTTLS, TLS and AUTH.

serve MODE FOLDER [CERT KEY]   MODE is starttls, tls or none; prints its port, keeps each letter in
                               FOLDER as N.eml and its envelope as N.json
read FILE                      a kept letter as Python's own parser reads it, as JSON

The recipient's name chooses what goes wrong: unknown@, full@, later@, relay@, spam@, hang@, slow@, cut@.
"""

import asyncio
import email.policy
import json
import pathlib
import ssl
import sys

USER, PASSWORD = b"pay@example.ru", b"correct-horse-battery"


class Handler:
    def __init__(self, folder):
        self.folder, self.count, self.told_later = folder, 0, set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address != USER.decode():
            return "553 5.7.1 Sender address rejected: not owned by user"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        refusals = {
            "unknown": "550 5.1.1 <%s>: Recipient address rejected: User unknown" % address,
            "full": "552 5.2.2 Mailbox full",
            "relay": "554 5.7.1 Relay access denied",
        }
        if name in refusals:
            return refusals[name]
        if name == "later" and address not in self.told_later:
            self.told_later.add(address)
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "spam":
            return "554 5.7.1 Message rejected as spam"
        self.count += 1
        path = self.folder / ("%d.eml" % self.count)
        path.write_bytes(envelope.content)
        about = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or MODE == "tls",
            "login": session.auth_data.login.decode() if session.auth_data else None,
            "hello": session.host_name,
        }
        path.with_suffix(".json").write_text(json.dumps(about))
        if name == "hang":
            await asyncio.sleep(3600)
        if name == "slow":
            await asyncio.sleep(3)
        if name == "cut":
            server.transport.abort()
        return "250 2.0.0 OK: queued as %d" % self.count


def check(server, session, envelope, mechanism, data):
    from aiosmtpd.smtp import AuthResult

    is_good = (data.login, data.password) == (USER, PASSWORD)
    # Not handled here: the server answers 535 by itself.
    return AuthResult(success=is_good, handled=False, auth_data=data)


async def serve(mode, folder, files):
    from aiosmtpd.smtp import SMTP

    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
    handler = Handler(folder)
    has_login = mode != "none"

    def make():
        return SMTP(
            handler,
            hostname="mail.test",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_required=has_login,
            auth_require_tls=mode == "starttls",
            authenticator=check if has_login else None,
        )

    listening = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    print(listening.sockets[0].getsockname()[1], flush=True)
    # Ends with the test: its end of the pipe is closed then.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def read(path):
    letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    defects = [type(d).__name__ for part in letter.walk() for d in part.defects]
    parts = []
    for part in letter.walk():
        if part.is_multipart():
            parts.append({"type": part.get_content_type()})
            continue
        content = part.get_content()
        parts.append(
            {
                "type": part.get_content_type(),
                "id": part["Content-ID"],
                "disposition": part.get_content_disposition(),
                "text": content if isinstance(content, str) else None,
                "hex": None if isinstance(content, str) else content.hex(),
            }
        )
    headers = {name: str(value) for name, value in letter.items()}
    to = [address.addr_spec for address in letter["To"].addresses]
    sender = letter["From"].addresses[0]
    print(
        json.dumps(
            {
                "headers": headers,
                "to": to,
                "from": [sender.display_name, sender.addr_spec],
                "parts": parts,
                "defects": defects,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(pathlib.Path(sys.argv[2]))
    else:
        MODE = sys.argv[2]
        try:
            asyncio.run(serve(MODE, pathlib.Path(sys.argv[3]), sys.argv[4:]))
        except KeyboardInterrupt:
            pass
