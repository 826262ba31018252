"""Notifies people of the problems in the published marts, each once; see docs/notify.md."""

from infraspend.publishers.notifying.notifying import Notified, notify

__all__ = ["Notified", "notify"]
