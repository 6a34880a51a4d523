"""An S3 server on loopback that can be told to fail."""

import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>"


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


class Server:
    """Moto behind a gate that turns requests away.

    Attributes:
        every: turn away each request of this number; 0 for none.
        away: turn all away.
        seen: requests so far, as method and path.
        refused: how many were turned away.
    """

    def __init__(self):
        self.every = 0
        self.away = False
        self.seen = []
        self.refused = 0
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def _answer(self, environ, start_response):
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if self.away or (self.every and len(self.seen) % self.every == 0):
            self.refused += 1
            # What was sent has to be read, or the connection is of no more use.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return Response(BUSY, 503, content_type="application/xml")(environ, start_response)
        return self._moto(environ, start_response)
