"""dbt's command line, ended with the process that started it: a script that takes its arguments.

It is run by its path, with `python -P`: the package around it takes longer to import than dbt.
"""

import os
import threading
import time
from typing import Final

PARENT: Final = "INFRASPEND_PARENT"
"""The environment variable with the id of the process that started dbt."""

_SECONDS: Final = 0.5


def end_with_parent() -> None:
    """Ends this process as soon as the one that `INFRASPEND_PARENT` names is gone.

    Else dbt would continue, and keep the warehouse open, when a build is killed.
    """
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    from dbt.cli.main import cli

    end_with_parent()
    cli()
