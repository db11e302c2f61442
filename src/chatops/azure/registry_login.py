"""Signing in to a container registry's own API for a Docker engine: an Azure token for a registry's refresh token.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chatops.azure.cloud import Cloud
from chatops.errors import AuthenticationError, NotReachable

USER = "00000000-0000-0000-0000-000000000000"
"""The user name that goes with a refresh token."""

ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Login:
    """What an engine sends a registry: valid for three hours, never shown."""

    username: str
    password: str = field(repr=False)

    @property
    def auth_config(self) -> dict[str, str]:
        """As the Docker SDK takes it."""
        return {"username": self.username, "password": self.password}


def sign_in(cloud: Cloud, server: str) -> Login:
    """Exchange the cloud's credential for a refresh token of the registry `server`. Raises AuthenticationError."""
    import requests
    from azure.core.exceptions import ClientAuthenticationError

    what = f"signing in to registry '{server}'"
    try:
        token = cloud.credential.get_token(f"{cloud.place.registry_audience}/.default").token
        form = {"grant_type": "access_token", "service": server, "access_token": token}
        answer = requests.post(
            f"https://{server}/oauth2/exchange",
            data=form | ({"tenant": cloud.tenant} if cloud.tenant else {}),
            verify=cloud.ca_file or True,
            proxies={"https": cloud.proxy} if cloud.proxy else None,
            timeout=ANSWER_SECONDS,
        )
    except ClientAuthenticationError as error:
        raise AuthenticationError(what, "the sign-in was refused", hint=cloud.sign_in) from error
    except requests.RequestException as error:
        # the library's message may hold the request
        raise NotReachable(what, f"no answer ({type(error).__name__})", hint="check the network") from None
    if not answer.ok:
        hint = "the signed-in account needs the role AcrPush on the registry, or Contributor"
        raise AuthenticationError(what, f"it answers {answer.status_code}", status=answer.status_code, hint=hint)
    return Login(USER, str(answer.json()["refresh_token"]))
