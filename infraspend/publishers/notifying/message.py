"""Words a recipient's message in HTML, from which apprise makes plain text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import jinja2

from infraspend.publishers.dashboard.wording import money
from infraspend.publishers.notifying.kinds import Kind
from infraspend.publishers.notifying.record import Known

# A link's text is its URL, because plain text keeps only the text.
_TEMPLATE = """\
{% macro listed(problems) %}
<ul>
{% for problem in problems %}
<li>{{ problem.text }}
{%- if dashboard and problem.page %}<br><a href="{{ dashboard }}/{{ problem.page }}">
{{- dashboard }}/{{ problem.page }}</a>{% endif %}</li>
{% endfor %}
</ul>
{% endmacro %}
<p>{{ summary }}</p>
{% for heading, problems in sections %}
<h3>{{ heading }}</h3>
{{ listed(problems) }}
{% endfor %}
<p>{{ ending }}</p>
"""
_ENDING = "infraspend notify reports each problem once, and reports when it is over."


@dataclass(frozen=True)
class Message:
    """A recipient's message.

    Attributes:
        recipient: An e-mail address, or a tag.
        title: Its subject; without untrusted text.
        html: Its text; untrusted text is escaped.
        reported: The problems that it reports as new, or as over.
        repeated: The problems that it repeats.
    """

    recipient: str
    title: str
    html: str
    reported: tuple[Known, ...]
    repeated: tuple[Known, ...] = ()


def compose(
    recipient: str,
    problems: Sequence[Known],
    kinds: Mapping[str, Kind],
    currency: str,
    dashboard: str | None,
    digest: str | None,
) -> Message | None:
    """The message for a recipient; None if there is nothing to say.

    Args:
        recipient: Who hears of the problems.
        problems: All problems of the recipient.
        kinds: All kinds, in the order of a message.
        currency: The code of the currency that amounts are in.
        dashboard: The URL of the dashboard; links to it are left out without it.
        digest: `day` or `week`, for a digest, which repeats open problems.
    """
    new = [one for one in problems if one.is_new]
    over = [one for one in problems if one.is_over]
    still = [
        one
        for one in problems
        if digest
        and one.is_open
        and one.kind in kinds
        # One-time events are not open.
        and kinds[one.kind].resolved is not None
    ]
    if not (new or over or still):
        return None
    sections = [(kind.title, _of(kind, new)) for kind in kinds.values()]
    sections += [(f"{kind.title}, still", _of(kind, still)) for kind in kinds.values()]
    sections += [(f"{kind.title}: {kind.resolved}", _of(kind, over)) for kind in kinds.values()]
    counts = [
        f"{len(found)} {what}"
        for found, what in ((new, "new"), (still, "still open"), (over, "over"))
        if found
    ]
    at_stake = sum((one.spend or Decimal() for one in (*new, *still)), Decimal())
    summary = f"Problems: {', '.join(counts)}"
    summary += f"; {money(at_stake, currency)} at stake." if at_stake else "."
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    html = environment.from_string(_TEMPLATE).render(
        summary=summary,
        sections=[(heading, found) for heading, found in sections if found],
        dashboard=(dashboard or "").rstrip("/"),
        ending=_ENDING,
    )
    title = f"Infraspend{f', digest of the {digest}' if digest else ''}: {', '.join(counts)}"
    return Message(recipient, title, html, (*new, *over), tuple(still))


def _of(kind: Kind, problems: Iterable[Known]) -> list[Known]:
    """The problems of a kind, the most spend first."""
    found = [one for one in problems if one.kind == kind.name]
    return sorted(found, key=lambda one: (-(one.spend or Decimal()), one.problem))
