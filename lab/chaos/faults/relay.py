"""A TCP relay between a service and the broker, that can fall silent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from lab.stack.ports import LOOPBACK

CHUNK = 65_536


class Relay:
    """Silent, it accepts connections and keeps them, and no byte gets through, as behind a
    network that drops packets; afterwards what was kept goes on."""

    def __init__(self, entrance: int, leads_to: int) -> None:
        self._entrance, self._leads_to = entrance, leads_to
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._carry, LOOPBACK, self._entrance)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def silent(self) -> Iterator[None]:
        self._loop.call_soon_threadsafe(self._flows.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._flows.set)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._leads_to)
        except OSError:
            writer.close()
            return
        there, back = self._pump(reader, far_writer), self._pump(far_reader, writer)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(there, back)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way; when it ends, so does the other."""
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()
