"""Tells people of the problems in what was published, each once; see docs/notify.md."""

from infraspend.publishers.notifying.notifying import Notified, notify

__all__ = ["Notified", "notify"]
