"""Slow clients: `python drip.py PORT COUNT SIZE`. Each connection sends a request a byte at a time, half of
them their headers, half their bodies, and never ends it. A line is printed when all are connected.

`SIZE` is how many bytes of body are sent at once before the dripping begins.
"""

from __future__ import annotations

import socket
import sys
import time
from itertools import cycle

_PAUSE_SECONDS = 0.1
_HEAD = b"POST /api/v2/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_DECLARED = 20_000_000


def connect(port: int, body: bool, size: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port))
    made.sendall(_HEAD)
    if body:
        made.sendall(b"Content-Length: %d\r\n\r\n" % _DECLARED + b" " * size)
    else:
        made.sendall(b"X-Slow: ")
    made.setblocking(False)
    return made


def main(port: str, count: str, size: str) -> None:
    """Until it is killed. What the other side shuts is opened again."""
    open_ones = [connect(int(port), number % 2 == 0, int(size)) for number in range(int(count))]
    print("dripping", flush=True)
    pause = _PAUSE_SECONDS / len(open_ones)
    for place in cycle(range(len(open_ones))):
        try:
            open_ones[place].send(b" ")
        except BlockingIOError:
            pass
        except OSError:
            open_ones[place].close()
            open_ones[place] = connect(int(port), place % 2 == 0, int(size))
        time.sleep(pause)


if __name__ == "__main__":
    main(*sys.argv[1:])
