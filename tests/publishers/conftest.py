"""A bucket to publish to."""

from tests.loaders.conftest import s3, s3_server

__all__ = ["s3", "s3_server"]
