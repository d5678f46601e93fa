# Sent to each machine, and run by the Python there: 3.9 or later. It ends when its input does.
def next_script(around: "dict[str, str]") -> bytes:
    """Answer each script that is read with what a fork of this process made of it, and in the fork return it.

    `around` has the global names of the script. It may say as kept_at where its libraries stay.
    """
    import atexit
    import contextlib
    import importlib
    import os
    import selectors
    import sys
    from collections.abc import Iterator
    from types import TracebackType

    # Of these every fork would import the same again. All else belongs to a module, or may be replaced by one.
    ours = {*getattr(sys, "stdlib_module_names", ()), "boto3", "botocore", "s3transfer", "urllib3"}
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)  # what a library prints when it is loaded is no answer

    class Everywhere:
        """Where to look for the parts of a package: first in the pack of the module that looks."""

        def __init__(self, package: str) -> None:
            self.folder = package.replace(".", "/")

        def __iter__(self) -> "Iterator[str]":
            return iter([f"{root}/{self.folder}" for root in sys.path])

    def prepare(kept_at: str) -> None:
        """Load what every module of Ansible loads, which is the same in all of one run."""
        sys.path.insert(0, kept_at)
        try:
            importlib.import_module("ansible.module_utils.basic")
        except Exception:  # noqa: BLE001 # whatever it is, half of it is of no use
            for name in [name for name in sys.modules if name.partition(".")[0] == "ansible"]:
                del sys.modules[name]
        finally:
            sys.path.remove(kept_at)
        for name, module in sys.modules.items():
            if name.partition(".")[0] == "ansible" and hasattr(module, "__path__"):
                module.__path__ = Everywhere(name)  # type: ignore[assignment] # all that is asked of it

    def read_all(*pipes: int) -> "list[bytes]":
        found = dict.fromkeys(pipes, b"")
        with selectors.DefaultSelector() as open_ones:
            for pipe in pipes:
                open_ones.register(pipe, selectors.EVENT_READ)
            while open_ones.get_map():
                for key, _ in open_ones.select():
                    some = os.read(key.fd, 1 << 16)
                    found[key.fd] += some
                    if not some:
                        open_ones.unregister(key.fd)
                        os.close(key.fd)
        return list(found.values())

    def tell(names: int, before: "set[str]") -> None:
        """Say what has been imported, for the next ones."""
        new = [name for name in set(sys.modules) - before if name.partition(".")[0] in ours]
        os.set_blocking(names, False)
        with contextlib.suppress(OSError):  # it went into the background, and nobody listens any more
            os.write(names, "\n".join([around.get("kept_at", ""), *new]).encode())

    def show(kind: "type[BaseException]", error: BaseException, trace: "TracebackType | None") -> None:
        """Print a traceback without what stands around the script here."""
        for _ in range(2):
            trace = trace and trace.tb_next
        sys.__excepthook__(kind, error.with_traceback(trace), trace)

    answers.write(b"The fork server listens\n")
    answers.flush()
    while True:
        length = requests.readline()
        if not length:
            sys.exit()
        script = requests.read(int(length))
        answers.write(b"Begun\n")
        answers.flush()
        (printed, to_printed), (errors, to_errors), (names, to_names) = os.pipe(), os.pipe(), os.pipe()
        before = set(sys.modules)
        fork = os.fork()
        if fork == 0:
            answers.close()
            for of, standard in ((nothing, 0), (to_printed, 1), (to_errors, 2)):
                os.dup2(of, standard)
            for of in (nothing, printed, to_printed, errors, to_errors, names):
                os.close(of)
            sys.excepthook = show
            atexit.register(tell, to_names, before)
            return script
        for of in (to_printed, to_errors, to_names):
            os.close(of)
        output = read_all(printed, errors)
        _, status = os.waitpid(fork, 0)
        # As a shell has it: 128 and the number of the signal.
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        answers.write(b"%d %d %d\n" % (code, *map(len, output)) + b"".join(output))
        answers.flush()
        os.set_blocking(names, False)  # who went into the background still has the other end
        with contextlib.suppress(BlockingIOError):
            kept_at, *new = os.read(names, 1 << 16).decode().split("\n")
            for name in new:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
            if kept_at and "ansible" not in sys.modules:
                prepare(kept_at)
        os.close(names)


around = {"__name__": "__main__"}
exec(compile(next_script(around), "<stdin>", "exec"), around)
