"""How long one waits for a server that is gone, unless its URL says otherwise."""

from psycopg.conninfo import conninfo_to_dict

from services.kit.connection import SILENCE, impatient

URL = "postgresql://me:p%2Fss@db:5433/shop"


def test_a_silent_server_is_given_up_in_seconds():
    found = conninfo_to_dict(impatient(URL))
    assert {name: int(found.pop(name)) for name in SILENCE} == SILENCE
    assert found == conninfo_to_dict(URL)


def test_what_the_url_says_stands():
    found = conninfo_to_dict(impatient(f"{URL}?tcp_user_timeout=60000&sslmode=require"))
    assert found["tcp_user_timeout"] == "60000"
    assert found["sslmode"] == "require"
    assert int(found["keepalives_idle"]) == SILENCE["keepalives_idle"]
