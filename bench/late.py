"""A line as long as the way to a region, for ssh: each packet arrives half a round trip later.

ssh -F CONFIG -o "ProxyCommand=python -m bench.late 40 CONFIG %n %h %p" public
"""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
import time

CHUNK = 65536


def delayed(source: int, sink: int, seconds: float) -> threading.Thread:
    """Hand on what comes in, as late as told; the end of one is the end of the other."""
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def take() -> None:
        while data := os.read(source, CHUNK):
            waiting.put((time.monotonic() + seconds, data))
        waiting.put((time.monotonic() + seconds, b""))

    def give() -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                return
            while data:
                data = data[os.write(sink, data) :]

    threading.Thread(target=take, daemon=True).start()
    giver = threading.Thread(target=give, daemon=True)
    giver.start()
    return giver


def line(config: str, name: str, host: str, port: str) -> tuple[int, int]:
    """Both ends of the way that the configuration would have taken: straight, or through a jump host."""
    told = subprocess.run(["ssh", "-G", "-F", config, name], capture_output=True, text=True, check=True).stdout
    jump = next((words[1] for words in map(str.split, told.splitlines()) if words[0] == "proxyjump"), "")
    if not jump:
        end = socket.create_connection((host, int(port))).detach()
        return end, end
    ours, its = socket.socketpair()
    subprocess.Popen(["ssh", "-F", config, "-W", f"{host}:{port}", jump], stdin=its.fileno(), stdout=its.fileno())
    end = ours.detach()
    return end, end


def main() -> None:
    round_trip_ms, *way = sys.argv[1:]
    half = float(round_trip_ms) / 2000
    source, sink = line(*way)
    delayed(sys.stdin.fileno(), sink, half)
    delayed(source, sys.stdout.fileno(), half).join()


if __name__ == "__main__":
    main()
