"""The target of collections: a directory, or a bucket by way of a temporary directory.

In a bucket a collection is one object that contains all its files.

What a run needs to know of earlier ones is fetched from the bucket: the names of their directories,
which contain the hours, and how complete the last hours were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.collection import ARCHIVE, INDEX, hours_of, pack, unpack
from infraspend.loaders.kubernetes.history import SECOND_LOOK
from infraspend.loaders.locations import File
from infraspend.loaders.open_location import local_path, open_bucket

if TYPE_CHECKING:
    from infraspend.loaders.s3 import Bucket

_ASKED: Final = (INDEX, "scrape_hours.parquet")


class Shipment:
    """A target for collections.

    Attributes:
        root: The directory that they are written to.
    """

    def __init__(self, root: Path, bucket: "Bucket | None" = None) -> None:
        self.root = root
        self._bucket = bucket

    def recall(self, cluster: str) -> None:
        """Fetches into the root what was collected of a cluster before.

        Raises:
            InfraspendError: The bucket cannot be read.
        """
        if self._bucket is None:
            return
        folder = f"cluster={cluster}"
        ends = {}
        for name in self._bucket.folders(folder):
            # Its name is taken, whatever it contains.
            (self.root / folder / name).mkdir(parents=True, exist_ok=True)
            if hours := hours_of(name):
                ends[name] = hours[1]
        last = max(ends.values(), default=None)
        for name, end in ends.items():
            if last and end > last - SECOND_LOOK:
                self._fetch(self._bucket, f"{folder}/{name}")

    def send(self, path: Path) -> None:
        """Sends a collection, or a file of pushed usage.

        Raises:
            InfraspendError: The bucket cannot be written to.
        """
        if self._bucket is None:
            return
        name = path.relative_to(self.root).as_posix()
        if not path.is_dir():
            self._bucket.put(path, name)
            return
        with TemporaryDirectory(prefix="infraspend-") as folder:
            archive = Path(folder) / ARCHIVE
            pack(path, archive)
            self._bucket.put(archive, f"{name}/{ARCHIVE}")

    def _fetch(self, bucket: "Bucket", folder: str) -> None:
        """Fetches the part of a collection that shows how complete it is, if it is one.

        Collections of earlier versions are several objects.
        """
        to = self.root / folder
        found: dict[str, File] = {
            PurePosixPath(file.name).name: file
            for file in bucket.files(
                lambda name: name.rpartition("/")[2] in (ARCHIVE, *_ASKED), folder + "/"
            )
        }
        if ARCHIVE in found:
            with TemporaryDirectory(prefix="infraspend-") as fetched:
                archive = Path(fetched) / ARCHIVE
                bucket.fetch(found[ARCHIVE], archive)
                unpack(archive, to, *_ASKED)
        elif INDEX in found:
            for name, file in found.items():
                bucket.fetch(file, to / name)


@contextmanager
def open_shipment(to: str) -> Iterator[Shipment]:
    """The target that a directory, a `file://` URL or an `s3://` URL names.

    Raises:
        InfraspendError: It is another kind of location, or cannot be written to.
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
