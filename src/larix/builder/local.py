"""Building on this machine: one room per build, and what is needed around it.

A build takes a workspace and, when larix is root, a build user, and gives both back when no process of it is
left.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

from larix.builder.builtins.mirrors import PYPI, PYPI_INDEX
from larix.builder.environment import build_directory_name, builder_environment, shell_assignments
from larix.builder.errors import BuilderFailed, BuildTimedOut, BuiltinFailed, CannotBuild, LogTooLong
from larix.builder.graph import is_builtin
from larix.builder.keep import keep_tree
from larix.builder.logs import BuildLogger, log_file_of
from larix.builder.policy import DEFAULT_POLICY, Policy
from larix.builder.sandbox.client import Launcher, read_message
from larix.builder.sandbox.filter import build_filter
from larix.builder.sandbox.unavailable import SandboxUnavailable
from larix.builder.sandbox.users import BuildUser, UserPool
from larix.builder.workspace import Workspace, Workspaces
from larix.protocol import BuildLog, DownloadFinished, DownloadProgress, DownloadStarted
from larix.words import tr

if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping

    from larix.builder.interface import Job
    from larix.builder.sandbox.request import Request
    from larix.errors import LarixError
    from larix.formats.storepath import StoreDir
    from larix.protocol import BuildOptions, Sink

__all__ = ["LocalBuild", "LocalBuilder"]

_DOWNLOAD = b"builtin:download"
_BUILTINS = {
    b"builtin:buildenv": ("larix.builder.builtins.buildenv", "run"),
    _DOWNLOAD: ("larix.builder.builtins.download", "run"),
    b"builtin:pack": ("larix.builder.builtins.pack", "run"),
    b"builtin:profile": ("larix.builder.builtins.profile", "run"),
    b"builtin:unpack-debs": ("larix.builder.builtins.debs", "run"),
}
_FEATURES = frozenset({b"benchmark", b"big-parallel"})
_READ_SIZE = 1 << 16
_ETC = {
    "passwd": b"root:x:0:0:root:/:/noshell\n"
    b"larix-build:x:1000:100:larix build user:/homeless-shelter:/noshell\n"
    b"nobody:x:65534:65534:nobody:/:/noshell\n",
    "group": b"root:x:0:\nlarix-build:x:100:\nnogroup:x:65534:\n",
    "hosts": b"127.0.0.1 localhost\n::1 localhost\n",
}
_NETWORK_ETC = {**_ETC, "nsswitch.conf": b"hosts: files dns\nservices: files\n"}
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/services", "/etc/protocols", "/etc/ssl/certs/ca-certificates.crt")
_DOWNLOAD_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


class LocalBuilder:
    """Starts builds on this machine; owns the launchers, the build users and the folder of builds."""

    def __init__(
        self,
        *,
        store_dir: StoreDir,
        state_dir: str,
        log_dir: str,
        options: BuildOptions,
        sink: Sink,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self.policy = policy
        self.store_dir = store_dir
        self.log_dir = log_dir
        self.options = options
        self.sink = sink
        self.state_dir = state_dir
        self.cache_dir = state_dir + "/cache/downloads"
        self.cores = options.cores or len(os.sched_getaffinity(0))
        self._machine = os.uname().machine
        self._system = policy.system or f"{self._machine}-linux"
        self._launchers: dict[str | None, Launcher] = {}
        self._filters: dict[bool, bytes] = {}
        users = UserPool(state_dir, policy.build_group) if os.geteuid() == 0 else None
        self._users = users if users is not None and users.is_usable else None
        self.workspaces = Workspaces(state_dir + "/builds", keep_places=self._users is not None)

    def prepare(self) -> None:
        """Start what takes time to start, while there is other work to do."""
        self._launcher(None)

    def check(self, job: Job) -> None:
        """Raises CannotBuild when nothing on this machine can build the job."""
        derivation = job.derivation
        system = derivation.system
        if is_builtin(derivation):
            if derivation.builder not in _BUILTINS:
                raise CannotBuild(
                    job.drv,
                    tr(
                        "`{drv}` wants `{builder}`, which larix does not have",
                        drv=job.drv,
                        builder=_text(derivation.builder),
                    ),
                )
        elif system != self._system:
            raise CannotBuild(
                job.drv,
                tr(
                    "`{drv}` must be built on `{system}`, and this machine is `{own}`",
                    drv=job.drv,
                    system=system,
                    own=self._system,
                ),
            )
        if not self.filter(host_network=False):
            raise CannotBuild(
                job.drv,
                tr(
                    "`{drv}` is not built: larix knows no system calls of `{machine}` to deny to builds",
                    drv=job.drv,
                    machine=self._machine,
                ),
            )
        missing = set(derivation.env.get(b"requiredSystemFeatures", b"").split()) - _FEATURES
        if missing:
            features = ", ".join(sorted(f"`{_text(feature)}`" for feature in missing))
            raise CannotBuild(
                job.drv, tr("`{drv}` needs a machine that offers {features}", drv=job.drv, features=features)
            )
        if b"__json" in derivation.env:
            raise CannotBuild(
                job.drv, tr("`{drv}` has structured attributes, which larix does not support", drv=job.drv)
            )
        if not self.options.sandbox:
            raise CannotBuild(
                job.drv, tr("`{drv}` is not built: larix builds nothing without isolation", drv=job.drv)
            )

    def start(self, job: Job, now: float) -> LocalBuild | None:
        """Start `job`; None when no build user is free."""
        self.check(job)
        user = None
        if self._users is not None:
            user = self._users.acquire()
            if user is None:
                return None
        try:
            workspace = self.workspaces.take()
        except BaseException:
            self.give_back(user)
            raise
        return LocalBuild(self, job, user, workspace, now)

    def launch(self, request: Request, log: int, user: BuildUser | None) -> _socket.socket:
        builtin = request["builtin"]
        launcher = self._launcher(None if builtin is None else builtin["module"])
        return launcher.start(request, log, None if user is None else user.lock)

    def give_back(self, user: BuildUser | None) -> None:
        if user is not None and self._users is not None:
            self._users.release(user)

    def _launcher(self, builtin: str | None) -> Launcher:
        """The launcher of ordinary builds, or of the builtins of one module: each loads what it needs."""
        launcher = self._launchers.get(builtin)
        if launcher is None:
            if builtin is not None:
                _make_cache(self.cache_dir)
            launcher = self._launchers[builtin] = Launcher(() if builtin is None else (builtin,))
        return launcher

    def filter(self, *, host_network: bool) -> bytes:
        if host_network not in self._filters:
            self._filters[host_network] = build_filter(self._machine, deny_local_sockets=host_network)
        return self._filters[host_network]

    def close(self) -> None:
        """End the launchers, and with them every build that still runs."""
        for launcher in self._launchers.values():
            launcher.close()
        self._launchers.clear()
        self.workspaces.close()
        if self._users is not None:
            self._users.close()


def _make_cache(folder: str) -> None:
    """A folder that all build users may write, below one that none but larix can enter."""
    os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    os.chmod(folder, 0o777)  # noqa: S103 - reached through an open descriptor only


class LocalBuild:
    """A build that was started: its descriptors are to be watched until `is_over`."""

    def __init__(
        self, builder: LocalBuilder, job: Job, user: BuildUser | None, workspace: Workspace, now: float
    ) -> None:
        """Takes `user` and `workspace` over: it gives them back when it is over, or cannot be started."""
        self.job = job
        self.drv = job.drv
        self.started = self._heard = now
        self.is_over = False
        self.source: str | None = None
        self._builder = builder
        self._user = user
        self._limit: BuildTimedOut | LogTooLong | None = None
        self._killed = self._is_discarded = False
        self._messages: list[tuple[Any, ...]] = []
        self._control: _socket.socket | None = None
        self._downloads: set[str] = set()
        self.log = -1
        self.control = -1
        self.logger: BuildLogger | None = None
        self._workspace = workspace
        try:
            self._start()
        except BaseException:
            self.discard()
            raise

    def _start(self) -> None:
        builder, job = self._builder, self.job
        self.directory = f"{self._workspace.scratch}/{build_directory_name(job.derivation.name)}"
        request = self._request()
        self.outputs: Mapping[str, str] = {
            name: f"{request['outputs']}/{_base(output.path)}"
            for name, output in job.derivation.outputs.items()
        }
        try:
            self._make_folders(request)
        except OSError as error:
            raise self._folder_failure(error) from error
        policy = builder.policy
        file = log_file_of(builder.log_dir, job.drv, policy.log_compression) if policy.keep_logs else None
        self.logger = BuildLogger(job.drv, file, builder.sink, policy.log_compression)
        self.log, write_end = os.pipe()
        try:
            os.set_blocking(self.log, False)
            self._control = builder.launch(request, write_end, self._user)
            self.control = self._control.fileno()
        finally:
            os.close(write_end)

    def _request(self) -> Request:
        builder, derivation = self._builder, self.job.derivation
        builtin = _BUILTINS.get(derivation.builder)
        host_network = derivation.is_fixed
        directory = "/tmp/" + build_directory_name(derivation.name)  # noqa: S108 - its name inside the room
        self.environment = builder_environment(
            derivation,
            directory=directory,
            store_dir=builder.store_dir,
            cores=builder.cores,
            host=os.environb,
        )
        scratch = self._workspace.scratch
        argument = None
        if builtin is not None:
            host_network = derivation.builder == _DOWNLOAD
            argument = self._builtin_argument()
        prefix = len(builder.store_dir) + 1
        return {
            "root": self._workspace.root,
            "store_dir": builder.store_dir,
            "source": builder.store_dir,
            "outputs": scratch + "/outputs" if builtin is not None else self._workspace.store,
            "inputs": tuple(path[prefix:] for path in self.job.inputs),
            "scratch": scratch,
            "shared": builder.cache_dir if derivation.builder == _DOWNLOAD else "",
            "etc": _NETWORK_ETC if host_network else _ETC,
            "binds": self._binds(host_network=host_network),
            "builder": derivation.builder,
            "arguments": (derivation.builder.rpartition(b"/")[2], *derivation.args),
            "environment": self.environment.variables,
            "directory": directory,
            "ids": None if self._user is None else (self._user.uid, self._user.gid),
            "filter": builder.filter(host_network=host_network and builtin is None),
            "host_network": host_network,
            "builtin": None
            if builtin is None
            else {"module": builtin[0], "function": builtin[1], "argument": argument},
        }

    def _binds(self, *, host_network: bool) -> tuple[tuple[str, str], ...]:
        """Files of the host, each with its name in the room; what the operator wants seen must be there."""
        binds = [
            (os.path.realpath(file), file)
            for file in (_NETWORK_FILES if host_network else ())
            if os.path.exists(file)
        ]
        for place in self._builder.policy.sandbox_paths:
            inside, _, outside = place.partition("=")
            file = os.path.realpath(outside or inside)
            if not os.path.exists(file):
                raise CannotBuild(
                    self.drv,
                    tr("builds are to see `{file}` (sandbox-paths), which does not exist", file=file),
                    hint=tr("make it, or take it out of daemon.toml"),
                )
            binds.append((file, os.path.normpath(inside)))
        return tuple(binds)

    def _builtin_argument(self) -> dict[str, Any]:
        """What a builtin is told: the derivation's environment, and where its outputs go."""
        derivation, builder = self.job.derivation, self._builder
        host: dict[str, str] = {}
        for name in _DOWNLOAD_VARIABLES:
            value = os.environ.get(name) or os.environ.get(name.upper())
            if value:
                host[name] = value
        host.update((name, value) for name, value in os.environ.items() if name.startswith("LARIX_"))
        if PYPI.encode() in derivation.env.get(b"url", b""):  # pip's settings may be hidden from a build user
            from larix.builder.python_indexes import python_indexes  # nothing else needs what it imports

            host[PYPI_INDEX] = " ".join(python_indexes(os.environ))
        return {
            "drv": self.drv,
            "name": derivation.name,
            "environment": {_text(name): _text(value) for name, value in self.environment.variables.items()},
            "files": dict(self.job.files),
            "inputs": frozenset(self.job.inputs),
            "outputs": {name: f"outputs/{_base(output.path)}" for name, output in derivation.outputs.items()},
            "limits": (builder.policy.connect_timeout, builder.policy.download_attempts),
            "hash": next(((o.hash_algo, o.hash) for o in derivation.outputs.values() if o.is_fixed), None),
            "host": host,
            "state_dir": builder.state_dir,
            "store_dir": builder.store_dir,
        }

    def _make_folders(self, request: Request) -> None:
        """All below a folder that only larix can enter: no race with anybody is possible."""
        scratch, outputs = request["scratch"], request["outputs"]
        uid, gid = (os.geteuid(), os.getegid()) if self._user is None else self._user[:2]
        if request["builtin"] is not None:
            os.mkdir(outputs, 0o755)
            os.chown(outputs, uid, gid)
            os.chown(scratch, uid, gid)
            os.chmod(scratch, 0o700)
            return
        self._workspace.prepare(request["inputs"])
        os.chown(scratch, os.geteuid(), -1)
        os.chmod(scratch, 0o1777)  # noqa: S103 - it is the build's /tmp
        os.chown(outputs, -1, gid)
        os.chmod(outputs, 0o1775)  # noqa: S103 - as the store is
        os.mkdir(self.directory, 0o755)
        for name, contents in (*self.environment.files.items(), *self.job.files.items()):
            file = f"{self.directory}/{name}"
            with open(file, "xb") as writer:
                writer.write(contents)
            os.chown(file, uid, gid)
        os.chown(self.directory, uid, gid)

    def _folder_failure(self, error: OSError) -> LarixError:
        if error.errno == errno.EINVAL and self._user is not None:
            step, ids = "chown", f"uid {self._user.uid}, gid {self._user.gid}"
            return SandboxUnavailable(step, errno.EINVAL, ids)
        return CannotBuild(
            self.drv,
            tr(
                "cannot make `{file}` for the build of `{drv}`: {problem}",
                file=ascii(os.fsdecode(error.filename or self.directory))[1:-1],
                drv=self.drv,
                problem=error.strerror or error,
            ),
        )

    @property
    def log_file(self) -> str | None:
        return None if self.logger is None else self.logger.file

    def descriptors(self) -> tuple[int, ...]:
        return tuple(number for number in (self.log, self.control) if number >= 0)

    def handle(self, descriptor: int, now: float) -> bool:
        if descriptor == self.log:
            return self._read_log(now)
        control = self._control
        if descriptor != self.control or control is None:
            return False
        message = read_message(control)
        if message is not None:
            self._take(message, now)
            return True
        self._finish(control, now)
        return False

    def _read_log(self, now: float) -> bool:
        try:
            data = os.read(self.log, _READ_SIZE)
        except BlockingIOError:
            return True
        if data:
            self._heard = now
            if self.logger is not None:
                self.logger.feed(data, now)
                self._check_size(self.logger)
            return True
        os.close(self.log)
        self.log = -1
        return False

    def _check_size(self, logger: BuildLogger) -> None:
        limit = self._builder.policy.max_log_size
        if limit and logger.size > limit and self._limit is None:
            self._limit = LogTooLong(self.drv, limit=limit, log_file=self.log_file)
            self.kill()

    def _finish(self, control: _socket.socket, now: float) -> None:
        """No process is left that could write: read the log to its end, and close everything."""
        control.close()
        self._control = None
        self.control = -1
        while self.log >= 0 and self._read_log(now):
            continue
        if self.logger is not None:
            self.logger.close()
        self.is_over = True

    def _take(self, message: tuple[Any, ...], now: float) -> None:
        kind = message[0]
        if kind == "download":
            self._take_download(message, now)
        elif kind == "fetched":
            self.source = message[1]
        else:
            self._messages.append(message)

    def _take_download(self, message: tuple[Any, ...], now: float) -> None:
        _, url, done, total, seconds, finished = message
        sink = self._builder.sink
        self._heard = now
        if url not in self._downloads:
            self._downloads.add(url)
            sink(DownloadStarted(url, total, self.drv))
        if finished:
            sink(DownloadFinished(url, done, seconds))
        else:
            sink(DownloadProgress(url, done, total))

    def deadline(self) -> float | None:
        """When `check_time` will have something to do, unless output comes."""
        options = self._builder.options
        times: list[float] = []
        if options.timeout:
            times.append(self.started + options.timeout)
        if options.max_silent_time:
            times.append(self._heard + options.max_silent_time)
        return min(times, default=None)

    def check_time(self, now: float) -> None:
        """Kill the build when it has had its time."""
        options = self._builder.options
        if self.logger is not None:
            self.logger.flush(now)
        if self._limit is not None:
            return
        log_file = self.log_file
        if options.timeout and now >= self.started + options.timeout:
            self._limit = BuildTimedOut(self.drv, seconds=options.timeout, silent=False, log_file=log_file)
        elif options.max_silent_time and now >= self._heard + options.max_silent_time:
            self._limit = BuildTimedOut(
                self.drv, seconds=options.max_silent_time, silent=True, log_file=log_file
            )
        if self._limit is not None:
            self.kill()

    def kill(self) -> None:
        """Kill every process of the build; its end comes on the control socket as that of any other."""
        if self._control is not None and not self._killed:
            self._killed = True
            self._control.shutdown(1)  # SHUT_WR

    def failure(self) -> LarixError | None:
        """Once over: why the build did not succeed. None: the builder ended with status 0."""
        if self._limit is not None:
            return self._limit
        drv = self.drv
        log_file = self.log_file
        for message in self._messages:
            if message[0] == "failed":
                return self._setup_failure(*message[1:])
            if message[0] == "builtin-failed":
                return BuiltinFailed(drv, f"{message[1]}", hint=message[2], log_file=log_file)
            if message[0] == "bug":
                return CannotBuild(
                    drv,
                    tr("starting the builder of `{drv}` failed: {message}", drv=drv, message=message[1]),
                    log_file=log_file,
                )
            if message[0] == "exited" and message[1] == 0:
                return None
            if message[0] in {"exited", "died"}:
                lines = tuple(self.logger.last_lines) if self.logger is not None else ()
                return BuilderFailed(drv, status=message[1], log_file=log_file, last_lines=lines)
        return CannotBuild(
            drv, tr("the build of `{drv}` was ended from outside larix", drv=drv), log_file=log_file
        )

    def _setup_failure(self, step: str, number: int, detail: str) -> LarixError:
        if step == "execve":
            hint = None
            if number == 2:
                hint = tr(
                    "either it is not among the derivation's inputs, or the interpreter it names is not"
                )
            return CannotBuild(
                self.drv,
                tr(
                    "cannot run the builder `{detail}` of `{drv}`: {problem}",
                    detail=detail,
                    drv=self.drv,
                    problem=os.strerror(number),
                ),
                hint=hint,
            )
        if step == "lstat":
            return CannotBuild(
                self.drv,
                tr(
                    "input `{detail}` of `{drv}` cannot be read: {problem}",
                    detail=detail,
                    drv=self.drv,
                    problem=os.strerror(number),
                ),
            )
        if step in {"fork", ""}:
            return CannotBuild(
                self.drv,
                tr("cannot start the build of `{drv}`: {problem}", drv=self.drv, problem=os.strerror(number)),
                hint=detail or None,
            )
        return SandboxUnavailable(step, number, detail)

    def keep(self) -> str | None:
        """Move the build directory to /tmp, as its user's own, with a file to source for its environment."""
        if self._is_discarded or self.job.derivation.builder in _BUILTINS:
            return None
        uid = None if self._user is None else self._user.uid
        try:
            files = {"environment-variables": shell_assignments(self.environment.variables)}
            return keep_tree(
                self.directory,
                self.job.derivation.name,
                built_by=uid,
                given_to=self._builder.policy.kept_for,
                files=files,
            )
        except OSError as error:
            self._builder.sink(
                BuildLog(self.drv, tr("cannot keep the build directory: {error}", error=error).encode())
            )
            return None

    def discard(self) -> None:
        """Once over, or never started: remove the folder, and give the build user back."""
        for descriptor in self.descriptors():
            if descriptor != self.control:
                os.close(descriptor)
        self.log = -1
        if self._control is not None:
            self._control.close()
            self._control = None
        if self.logger is not None:
            self.logger.close()
        if not self._is_discarded:
            self._is_discarded = True
            try:
                self._builder.workspaces.give_back(self._workspace)
            finally:
                self._builder.give_back(self._user)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _base(path: str) -> str:
    return path.rpartition("/")[2]


if sys.platform != "linux":  # pragma: no cover - told at once, not by a missing call later
    raise ImportError(tr("larix builds on Linux only"))
