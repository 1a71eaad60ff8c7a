"""What kubectl complains about, as errors of ours."""

import pytest

from lab.cluster.kubectl import UnknownError, complaint
from lab.errors import BandstandError, NotReadyError, RefusedError

NO_PLUGIN = "Unable to connect to the server: getting credentials: exec: executable aws not found"
ADVICE = """
It looks like you are trying to use a client-go credential plugin that is not installed.

To learn more about this feature, consult the documentation available at:
      https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""
EXPIRED = (
    "error: You must be logged in to the server "
    "(the server has asked for the client to provide credentials)"
)
FORBIDDEN = 'Error from server (Forbidden): pods "x" is forbidden: User "eve" cannot get it'


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (f"warning\n{FORBIDDEN}", RefusedError),
        ("error: You must be logged in to the server (Unauthorized)", RefusedError),
        (EXPIRED, RefusedError),
        (NO_PLUGIN, NotReadyError),
        (f"{NO_PLUGIN}\n{ADVICE}", NotReadyError),
        ('Error from server (NotFound): services "x" not found', UnknownError),
        ("The connection to the server localhost:8080 was refused - right port?", NotReadyError),
        ("Unable to connect to the server: dial tcp: lookup nowhere: no such host", NotReadyError),
        ('error: context "kind" does not exist', NotReadyError),
        ("error: it is raining", BandstandError),
        ("", BandstandError),
    ],
)
def test_what_kubectl_complains_about_has_an_exit_code_of_its_own(said, error):
    assert type(complaint(said)) is error


def test_a_reason_is_told_without_the_advice_that_follows_it():
    assert str(complaint(f"{NO_PLUGIN}\n{ADVICE}")) == f"no cluster answers: {NO_PLUGIN}"
