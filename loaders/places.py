"""The places that `--from` can name."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from loaders.errors import InfraspendError


def local_directory(url: str) -> Path:
    """The directory that a path or a `file://` URL names.

    Raises:
        InfraspendError: It names no directory, or a kind of place that cannot be read.
    """
    parsed = urlparse(url)
    if "://" in url and parsed.scheme != "file":
        raise InfraspendError(
            f"{url} cannot be read: deliveries are read from a directory or a file:// URL; "
            "copy the bucket first, for example with `aws s3 sync`"
        )
    path = Path(unquote(parsed.path)) if "://" in url else Path(url)
    if not path.is_dir():
        raise InfraspendError(f"{path} is not a directory: --from takes one that holds deliveries")
    return path.resolve()
