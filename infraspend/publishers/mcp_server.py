"""A server for assistants: the Model Context Protocol on standard input and output.

The tools are the questions of `publishers.answers`, by name, with their docstrings as descriptions.
Needs the extra `mcp`.
"""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.answers import NOTICE, Answers, readable

_INSTRUCTIONS = f"""
Who spends what on shared cloud platforms, in the bill's currency, exact to the last digit, from
marts that passed every test. Begin with list_metrics; ask metrics with query_metric; read_sql is
for questions without a metric. Quote amounts as they are, and with them the build_id of the proof.
The proof also has the bridge from the invoice to true cost (`unexplained` is 0) and what rows add
up to: say so if a difference is not 0, or if a month is not complete. `more_rows` above 0 means
that rows were cut off. {NOTICE}
"""


def serve(database: Path, most_rows: int, most_seconds: int) -> None:
    """Answers one assistant until its input ends.

    Args:
        database: The published DuckDB file.
        most_rows: How many rows an answer has at most.
        most_seconds: How long a statement takes at most.

    Raises:
        InfraspendError: The file is not there, or was published by an earlier version.
    """
    answers = Answers(database, most_rows, most_seconds)
    server: MCPServer[Any] = MCPServer(
        "infraspend",
        instructions=" ".join(_INSTRUCTIONS.split()),
        version=version("infraspend"),
        log_level="WARNING",
    )
    for question in (
        answers.list_metrics,
        answers.query_metric,
        answers.why_changed,
        answers.why_changed_since,
        answers.explain_spend,
        answers.health,
        answers.describe,
        answers.read_sql,
    ):
        server.add_tool(
            _tool(question),
            annotations=ToolAnnotations(
                read_only_hint=True,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )
    server.run()


def _tool(question: Callable[..., Any]) -> Callable[..., Any]:
    """A question whose errors an assistant reads: one line, which may contain untrusted text."""

    @wraps(question)
    def ask(*arguments: Any, **options: Any) -> Any:
        try:
            return question(*arguments, **options)
        except InfraspendError as error:
            raise ToolError(readable(str(error))) from error

    return ask
