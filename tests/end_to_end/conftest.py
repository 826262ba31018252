"""Companies that several tests look at, each built once."""

from tests.loaders.conftest import s3, s3_server

__all__ = ["s3", "s3_server"]
