"""Where deliveries lie: the only part of this loader that knows how their bytes are reached."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loaders.errors import InfraspendError
from loaders.places import local_directory

MANIFEST_SUFFIX = "-Manifest.json"


@dataclass(frozen=True)
class Source:
    """A directory under which AWS delivers, or a copy of a bucket.

    A file's name is its path below `root`, with `/` between its parts. Whatever else deliveries
    may lie in, such as a bucket, joins by offering these methods.
    """

    root: Path

    def manifests(self) -> Iterator[str]:
        """The names of all files that end in `-Manifest.json`, however deep."""
        for folder, folders, files in os.walk(self.root):
            folders.sort()
            for file in sorted(files):
                if file.endswith(MANIFEST_SUFFIX):
                    yield (Path(folder) / file).relative_to(self.root).as_posix()

    def location(self, name: str) -> str:
        """The whole path of a file, as a person would look it up."""
        return (self.root / name).as_posix()

    def read(self, name: str) -> bytes:
        """The content of a small file."""
        return self._inside(name).read_bytes()

    def modified(self, name: str) -> datetime:
        """When a file was written: plain UTC."""
        seconds = self._inside(name).stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)

    def version(self, name: str) -> str:
        """A text that changes when a file is replaced."""
        stat = self._inside(name).stat()
        return f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"

    def fetch(self, name: str, to: Path) -> None:
        """Makes a file readable at the path `to`.

        Raises:
            InfraspendError: There is no such file, or it lies outside the source.
        """
        # A link under a name of ours: DuckDB would read [ ] * ? in the original as a pattern.
        to.symlink_to(self._inside(name))

    def _inside(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise InfraspendError(f"{name} leads out of {self.root}: it is not read")
        if not path.is_file():
            raise InfraspendError(f"{self.root / name} is not there: copy the whole delivery")
        return path


def open_source(url: str) -> Source:
    """The source that a path or a URL names.

    Raises:
        InfraspendError: It names no directory, or a kind of place that cannot be read.
    """
    return Source(local_directory(url))
