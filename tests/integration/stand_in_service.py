"""A service that does nothing but answer; run as `python stand_in_service.py NAME`.

As NAME `broken` it ends at once, and as `never` it is alive but never ready.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        ready = sys.argv[1] != "never"
        body = b'{"database":"ok","broker":"ok"}' if ready else b'{"broker":"no answer"}'
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


print("stand-in", sys.argv[1], os.environ["BANDSTAND_INSTANCE"], flush=True)
if sys.argv[1] == "broken":
    sys.exit("cannot start: no sheet music")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
address = (os.environ["BANDSTAND_HOST"], int(os.environ["BANDSTAND_PORT"]))
ThreadingHTTPServer(address, Handler).serve_forever()
