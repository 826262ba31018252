"""Signs requests for AWS (Signature Version 4), by botocore."""

from dataclasses import dataclass, field
from typing import Any, Final

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from infraspend.loaders.errors import InfraspendError

_SERVICE: Final = "aps"
# Headers that proxies add or change after signing.
_UNSIGNED: Final = frozenset({"connection", "accept-encoding", "accept", "user-agent"})


@dataclass(frozen=True)
class Signature(requests.auth.AuthBase):
    """Signs with the credentials that AWS's own tools would find.

    Attributes:
        region: The AWS region of the workspace, such as `us-east-1`.
        profile: A profile of AWS's configuration file; the default one without it.
        service: What AWS calls the service.
    """

    region: str
    profile: str | None = None
    service: str = _SERVICE
    _session: list[Session] = field(default_factory=list, repr=False, compare=False)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs a request.

        Raises:
            InfraspendError: There are no credentials.
        """
        # AWS reads a plus sign as itself, and requests writes one for a space.
        address, mark, query = str(request.url).partition("?")
        request.url = address + mark + query.replace("+", "%20")
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _UNSIGNED
        }
        signed = AWSRequest(request.method, request.url, headers, request.body or b"")
        SigV4Auth(self._credentials(), self.service, self.region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request

    def _credentials(self) -> Any:
        """The current credentials: botocore renews temporary ones."""
        try:
            if not self._session:
                self._session.append(Session(profile=self.profile))
            found = self._session[0].get_credentials()
        except BotoCoreError as error:
            raise InfraspendError(f"no AWS credentials to sign requests with ({error})") from error
        if found is None:
            raise InfraspendError(
                "no AWS credentials to sign requests with: set a profile, a role or"
                " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return found.get_frozen_credentials()
