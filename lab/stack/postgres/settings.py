"""What a server is started with, whoever provides it. Durable as in production: what a crash
loses is among the things measured here."""

DATABASE = "bandstand"
USER = "bandstand"
STATISTICS = "pg_stat_statements"


def server_settings(
    port: int, *, listen: str, sockets: str = "", statistics: bool
) -> dict[str, str]:
    return {
        "listen_addresses": listen,
        "port": str(port),
        "unix_socket_directories": sockets,
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "track_io_timing": "off",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "shared_preload_libraries": STATISTICS if statistics else "",
    }


def as_arguments(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def database_url(port: int, password: str) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"
