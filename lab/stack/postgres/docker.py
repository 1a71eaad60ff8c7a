"""PostgreSQL from its official image, with the same settings."""

from lab.stack.docker import run_command
from lab.stack.home import Home
from lab.stack.postgres.settings import DATABASE, USER, as_arguments, server_settings
from lab.stack.supervisor import INFRASTRUCTURE, Program

IMAGE = "postgres:18"
DATA = "/var/lib/postgresql"


def prepare(home: Home, port: int, password: str) -> Program:
    settings = server_settings(
        port,
        listen="*",
        sockets="/var/run/postgresql",
        statistics=True,
    )
    return Program(
        name="postgres",
        command=run_command(
            home,
            "postgres",
            IMAGE,
            port=port,
            volume_at=DATA,
            environment={
                "POSTGRES_USER": USER,
                "POSTGRES_PASSWORD": password,
                "POSTGRES_DB": DATABASE,
            },
            arguments=as_arguments(settings),
        ),
        group=INFRASTRUCTURE,
        port=port,
        stop_signal="INT",
    )
