# Sent with each module, and run by the Python of the machine: 3.9 or later.
def kept_module(name: str, packed: str) -> bytes:
    """Return the zip file of a module in base64: what was sent, or if that is empty, what was kept under the name.

    What was sent is compiled and kept. Without either, the script says so, and ends with 1.
    """
    import base64
    import contextlib
    import hashlib
    import importlib.util
    import io
    import marshal
    import os
    import sys
    import time
    import zipfile
    from pathlib import Path

    folder = Path("~/.ansible/onebox_modules").expanduser()
    path = folder / f"{name}.{sys.implementation.cache_tag}.zip"

    def read() -> bytes:
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise OSError("somebody else may write there")
        checksum, _, module = path.read_bytes().partition(b"\n")  # a zip file may have something before it
        if hashlib.sha256(module).hexdigest().encode() != checksum:
            raise OSError("the machine lost power soon after it was written")
        os.utime(path)
        globals()["kept_at"] = str(path)
        return base64.b64encode(module)

    def with_bytecode() -> bytes:
        written = io.BytesIO()
        sources = zipfile.ZipFile(io.BytesIO(base64.b64decode(packed)))
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as module:
            for entry in sources.infolist():
                source = sources.read(entry)
                module.writestr(entry, source)
                if entry.filename.endswith(".py"):
                    code = marshal.dumps(compile(source, entry.filename, "exec", dont_inherit=True))
                    # PEP 552: bytecode that nobody compares with its source. Another Python takes the source.
                    header = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + importlib.util.source_hash(source)
                    module.writestr(f"{entry.filename}c", header + code)
        return written.getvalue()

    def write(module: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.stat().st_mtime < time.time() - 30 * 24 * 3600:
                old.unlink()
        part = folder / f"{name}.{os.getpid()}"
        try:
            part.write_bytes(hashlib.sha256(module).hexdigest().encode() + b"\n" + module)
            part.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):  # it is in place
                part.unlink()

    if packed:
        module = with_bytecode()
        with contextlib.suppress(OSError):  # no home, or no space: it runs nevertheless, and is sent again
            write(module)
        return base64.b64encode(module)
    try:
        return read()
    except OSError:
        sys.exit(f"not kept: {name}")
