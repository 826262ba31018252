"""Sends messages with apprise, to the services in a file that only its owner can read.

The file is a configuration of apprise's own, YAML or text. A recipient is a tag of it; or an e-mail
address, which replaces `${ADDRESS}` in the services with the tag `mail`.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apprise

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.notifying.message import Message

MAIL: Final = "mail"
"""The tag of the services that send to any e-mail address."""

_ADDRESS = re.compile(r"[^\s@,;<>()\"/?&%]+@[^\s@,;<>()\"/?&%]+")
_TAG = re.compile(r"#?([a-z0-9][a-z0-9_-]*)", re.IGNORECASE)
_ANYBODY: Final = {"ADDRESS": "anybody@example.com"}
_SECONDS: Final = 60
"""The time-out of a recipient's services."""


class Services:
    """The services of a file.

    Args:
        file: The configuration.

    Raises:
        InfraspendError: It is missing, others may read its secrets, or apprise cannot use all of
            it.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InfraspendError(
                f"{file}: there is no such file of services to send to; docs/notify.md shows one"
                " (--config, INFRASPEND_NOTIFY)"
            )
        self._file = file
        self._apprise = apprise.Apprise()
        configuration = apprise.AppriseConfig()
        with _heard() as warnings:
            configuration.add(str(file.resolve()))
            self._apprise.add(configuration)
            services = list(self._apprise.find(template=_ANYBODY))
        if warnings:
            raise InfraspendError(f"{file} cannot be used: {warnings[0]}")
        if not services:
            raise InfraspendError(f"{file} names no service: docs/notify.md shows some")
        if any(_has_secret(service) for service in services):
            _check_mode(file)

    def why_not(self, recipient: str) -> str | None:
        """Why a recipient cannot be reached; None if there is a service."""
        try:
            tag, template = _address(recipient)
        except InfraspendError as error:
            return str(error)
        with _heard():
            if any(True for _ in self._apprise.find(tag, template=template)):
                return None
        return f"no service in {self._file} has the tag {tag}"

    def send(self, message: Message) -> tuple[bool, list[str]]:
        """Sends a message to the services of its recipient.

        Returns:
            Whether one of them accepted it, and why each of the others did not.
        """
        if why := self.why_not(message.recipient):
            return False, [why]
        tag, template = _address(message.recipient)
        succeeded, failures = 0, []
        with _heard() as warnings:
            for body_format, some in self._by_format(tag, template).items():
                is_html = body_format == apprise.NotifyFormat.HTML
                result = some.notify(
                    title=message.title,
                    body=message.html if is_html else as_text(message.html),
                    body_format=body_format,
                    tag=tag,
                    timeout=_SECONDS,
                )
                succeeded += result.success_count
                failures += [_why(service) for service in result if not service]
                if not (result or failures):
                    failures = [f"{result.status.name.lower()}: {' '.join(warnings)}"]
        return succeeded > 0, failures

    def _by_format(
        self, tag: str, template: dict[str, str]
    ) -> dict[apprise.NotifyFormat, apprise.Apprise]:
        """The services of a tag: those that show HTML by default, and the others."""
        found: dict[apprise.NotifyFormat, apprise.Apprise] = {}
        for service in self._apprise.find(tag, template=template):
            is_html = service.resolve_format() == apprise.NotifyFormat.HTML
            body_format = apprise.NotifyFormat.HTML if is_html else apprise.NotifyFormat.TEXT
            found.setdefault(body_format, apprise.Apprise()).add(service)
        return found


def as_text(html: str) -> str:
    """A message for services that show plain text."""
    return str(
        apprise.conversion.convert_between(
            apprise.NotifyFormat.HTML, apprise.NotifyFormat.TEXT, html
        )
    )


def _why(service: apprise.NotifyResult) -> str:
    """Why a service did not accept a message; with its URL without secrets and options."""
    warnings = dict.fromkeys(entry.message for entry in service.logs())
    return f"{service.name} ({service.url.partition('?')[0]}): {' '.join(warnings)}"


def _address(recipient: str) -> tuple[str, dict[str, str]]:
    """The tag of a recipient's services, and the value of `${ADDRESS}`.

    Raises:
        InfraspendError: It is neither an address nor a tag.
    """
    if _ADDRESS.fullmatch(recipient):
        return MAIL, {"ADDRESS": recipient}
    if found := _TAG.fullmatch(recipient):
        return found[1], {}
    raise InfraspendError("is neither an e-mail address nor a tag: letters, digits, - and _")


def _has_secret(service: apprise.NotifyBase) -> bool:
    """Whether a URL has a password or token in it, which apprise hides."""
    return bool(service.url(privacy=True) != service.url(privacy=False))


def _check_mode(file: Path) -> None:
    """Refuses a file with secrets that others may read; a group may read root's.

    Raises:
        InfraspendError: Others may read it.
    """
    stat = file.stat()
    # As Kubernetes mounts a secret for users other than root.
    if stat.st_mode & (0o007 if stat.st_uid == 0 else 0o077):
        raise InfraspendError(
            f"{file} holds secrets and may be read by others (mode"
            f" {stat.st_mode & 0o777:03o}): chmod 600 {file}"
        )


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collects apprise's warnings instead of logging them."""
    warnings: list[str] = []
    logger = logging.getLogger("apprise")
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield warnings
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
