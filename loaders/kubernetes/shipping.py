"""Where collections go: a directory, or a bucket by way of a directory that ends with the run.

What a run needs to know of earlier ones is fetched from the bucket: the names of their
directories, which tell the hours, and how complete the last hours were.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from loaders.errors import InfraspendError
from loaders.kubernetes.collection import INDEX
from loaders.kubernetes.history import SECOND_LOOK
from loaders.places import File, local_path, open_bucket

if TYPE_CHECKING:
    from loaders.s3 import Bucket

_HOURS: Final = re.compile(r"(\d{8}T\d{2})_(\d{8}T\d{2})(?:_\d{8}T\d{12})?")
_ASKED: Final = (INDEX, "scrape_hours.parquet")


class Shipment:
    """A place for collections.

    Attributes:
        root: The directory that they are written to.
    """

    def __init__(self, root: Path, bucket: "Bucket | None" = None) -> None:
        self.root = root
        self._bucket = bucket

    def recall(self, cluster: str) -> None:
        """Makes the root know what was collected of a cluster before.

        Raises:
            InfraspendError: The bucket cannot be read.
        """
        if self._bucket is None:
            return
        folder = f"cluster={cluster}"
        ends = {}
        for name in self._bucket.folders(folder):
            # Its name is taken, whatever is in it.
            (self.root / folder / name).mkdir(parents=True, exist_ok=True)
            if hours := _HOURS.fullmatch(name):
                ends[name] = datetime.fromisoformat(hours[2])
        last = max(ends.values(), default=None)
        for name, end in ends.items():
            if last and end > last - SECOND_LOOK:
                self._fetch(self._bucket, f"{folder}/{name}")

    def send(self, path: Path) -> None:
        """Sends a collection, its index last, or a file of pushed usage.

        Raises:
            InfraspendError: The bucket cannot be written to.
        """
        if self._bucket is None:
            return
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in sorted(files, key=lambda file: file.name == INDEX):
            self._bucket.put(file, file.relative_to(self.root).as_posix())

    def _fetch(self, bucket: "Bucket", folder: str) -> None:
        """Fetches what tells how complete a collection is, if it is one."""
        below = folder + "/"
        found: dict[str, File] = {
            PurePosixPath(file.name).name: file
            for file in bucket.files(lambda name: name.rpartition("/")[2] in _ASKED, below)
        }
        if INDEX in found:
            for name, file in found.items():
                bucket.fetch(file, self.root / folder / name)


@contextmanager
def open_shipment(to: str) -> Iterator[Shipment]:
    """A place that a directory, a `file://` URL or an `s3://` URL names.

    Raises:
        InfraspendError: It is another kind of place, or cannot be written to.
    """
    if to.startswith("s3://"):
        bucket = open_bucket(to)
        with TemporaryDirectory(prefix="infraspend-") as root:
            yield Shipment(Path(root), bucket)
        return
    path = local_path(to)
    if path is None:
        raise InfraspendError(
            f"{to}: collections are written to a directory, a file:// URL or an s3:// URL"
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfraspendError(f"{path} cannot be written to ({error.strerror})") from error
    yield Shipment(path)
