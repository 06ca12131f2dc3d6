"""Fetching one URL into a file: HTTP(S), FTP and local files.

A transfer that breaks is resumed where it broke, but only under a validator (a strong ETag or a date) that
makes the server send the whole file when it has changed; without one it starts again. A server that is slow
to connect or goes silent is given up. Certificates are checked against the system's, always. What a URL holds
of a password goes to its own host only, and into no message. Nothing is asked of link-local addresses:
there a cloud tells its machines their keys, and who has a daemon fetch may be nobody who should know them.

All that is imported is imported when this module is: later, larix's own files may be out of reach.
"""

from __future__ import annotations

import base64
import encodings.idna
import ftplib
import hashlib
import ipaddress
import os
import random
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3 import exceptions as failures
from urllib3.connection import HTTPConnection, HTTPSConnection

from larix.builder.builtins.mirrors import shown
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Answer", "Buffer", "Fetcher", "Limits", "Progress", "Target", "TransferError"]

_CODEC_FOR_HOST_NAMES = encodings.idna  # the first look-up would load it otherwise
_CHUNK = 1 << 16
_REDIRECTS = 10
_USER_AGENT = "larix"
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT = 30.0
_PROGRESS_EVERY = 0.1


class Limits(NamedTuple):
    """Seconds, and tries in a row without any progress; those that could not even connect are fewer."""

    connect: float = 15.0
    stall: float = 30.0
    tries: int = 5
    connection_tries: int = 2
    first_delay: float = 0.25


class TransferError(Exception):
    """Why a URL gave no file, in a few words. `temporary`: another try may succeed."""

    def __init__(
        self,
        cause: str,
        *,
        temporary: bool = False,
        connecting: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.temporary = temporary
        self.connecting = connecting
        self.retry_after = retry_after


class LinkLocal(OSError):
    """A name that leads to a link-local address; nothing has been sent there."""


def _refuse_link_local(connection: socket.socket) -> socket.socket:
    """Give a new connection back; closes it and raises LinkLocal where that is what a name has led to."""
    address = ipaddress.ip_address(connection.getpeername()[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if (mapped or address).is_link_local:
        connection.close()
        raise LinkLocal(tr("its address is for this link alone: nothing is fetched from there"))
    return connection


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _refuse_link_local(super()._new_conn())


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _refuse_link_local(super()._new_conn())  # before any greeting


class _FtpServer(ftplib.FTP):
    """The hash tells what is right, not the channel."""

    def getresp(self) -> str:
        if self.sock is not None:
            try:
                _refuse_link_local(self.sock)
            except LinkLocal:
                self.close()  # else it would take its leave, and be heard
                raise
        return super().getresp()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls: Any = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls: Any = _SecureConnection


def _direct_pools(context: ssl.SSLContext) -> urllib3.PoolManager:
    pools = urllib3.PoolManager(ssl_context=context)
    classes: Any = {"http": _Pool, "https": _SecurePool}
    pools.pool_classes_by_scheme = classes
    return pools


class Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Target:
    """The file that grows, and the hash of what it holds."""

    def __init__(self, file: str, new_hasher: Callable[[], Hasher]) -> None:
        self.file = file
        self.size = 0
        self._new_hasher = new_hasher
        self._hasher = new_hasher()
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def restart(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = 0
        self._hasher = self._new_hasher()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._hasher.update(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def hexdigest(self) -> str:
        return self._hasher.hexdigest()

    def close(self) -> None:
        os.close(self._descriptor)


class Buffer(Target):
    """A page in memory instead of a file; one of more than `most` bytes is none that larix would read."""

    def __init__(self, most: int = 1 << 27) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._most = most

    def restart(self) -> None:
        self.size = 0
        self._parts.clear()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._parts.append(data)
        if self.size > self._most:
            raise TransferError(tr("it is larger than {most} bytes", most=self._most))

    def hexdigest(self) -> str:
        return hashlib.sha256(self.read()).hexdigest()

    def read(self) -> bytes:
        return b"".join(self._parts)

    def close(self) -> None:
        """There is nothing to close."""


class Progress(NamedTuple):
    """`done` of `total` bytes after `seconds`; the URL is fit to be shown."""

    url: str
    done: int
    total: int | None
    seconds: float
    finished: bool


class Answer(NamedTuple):
    """A page: where it was found in the end, what it is (`text/html`; empty if nobody says), its bytes."""

    url: str
    media_type: str
    data: bytes


class _Attempt(Protocol):
    def run(self) -> None: ...


class Fetcher:
    """Fetches URLs one after the other, keeping connections. `environment` may name proxies."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[Progress], None] | None = None,
        context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or Limits()
        self._environment = environment or {}
        self._progress = progress
        self._context = context
        self._sleep = sleep
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._told = self._began = 0.0

    def fetch(self, url: str, target: Target) -> None:
        """Have the whole of `url` in `target`. Raises TransferError when that is, or has become, hopeless."""
        scheme = url.partition(":")[0].lower()
        kinds = {"http": _HttpAttempt, "https": _HttpAttempt, "ftp": _FtpAttempt, "file": _FileAttempt}
        attempt = kinds.get(scheme)
        if attempt is None:
            raise TransferError(tr("it is not a valid URL"))
        self._persist(attempt(self, url, target), target)
        self.tell(url, target.size, target.size, finished=True)

    def conditional(self, url: str, validators: Mapping[str, str], target: Target) -> dict[str, str] | None:
        """Fetch `url` unless it is as `validators`, of an earlier answer, say; give the new ones, or None."""
        attempt = _HttpAttempt(self, url, target, extra=validators)
        self._persist(attempt, target)
        self.tell(url, target.size, target.size, finished=True)
        return None if attempt.is_unchanged else attempt.validators

    def page(self, url: str, *, accept: str = "*/*") -> Answer:
        """Fetch `url` in a form that `accept` names. Raises TransferError."""
        buffer = Buffer()
        if not url.startswith(("http://", "https://")):
            self.fetch(url, buffer)
            return Answer(url, "", buffer.read())
        attempt = _HttpAttempt(self, url, buffer, extra={"Accept": accept})
        self._persist(attempt, buffer)
        self.tell(url, buffer.size, buffer.size, finished=True)
        return Answer(attempt.place, attempt.media_type, buffer.read())

    def probe(self, url: str) -> str:
        """Have a server's word that `url` is there, and where it leads to for good. Raises TransferError."""
        if not url.startswith(("http://", "https://")):
            self.fetch(url, Buffer())
            return url
        attempt = _HttpAttempt(self, url, Buffer())
        attempt.probe()
        return attempt.lasting

    def _persist(self, attempt: _Attempt, target: Target) -> None:
        """Try until it is done or hopeless; whoever makes progress may go on."""
        target.restart()
        self._began = time.monotonic()
        tries = 0
        while True:
            before = target.size
            try:
                attempt.run()
            except TransferError as error:
                tries = 1 if target.size > before else tries + 1
                limit = self._limits.connection_tries if error.connecting else self._limits.tries
                if not error.temporary or tries >= limit:
                    raise
                self._sleep(self._delay(tries, error.retry_after))
            else:
                return

    def _delay(self, tries: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return min(max(retry_after, self._limits.first_delay), _LONGEST_WAIT)
        spread: float = random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
        return min(self._limits.first_delay * float(2 ** (tries - 1)), _LONGEST_WAIT) * spread

    def tell(self, url: str, done: int, total: int | None, *, finished: bool = False) -> None:
        now = time.monotonic()
        if self._progress is not None and (finished or now - self._told >= _PROGRESS_EVERY):
            self._told = now
            self._progress(Progress(shown(url), done, total, now - self._began, finished))

    @property
    def limits(self) -> Limits:
        return self._limits

    def pool(self, scheme: str, host: str) -> urllib3.PoolManager:
        proxy = self._proxy(scheme, host)
        if proxy not in self._pools:
            if self._context is None:
                self._context = ssl.create_default_context()
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, ssl_context=self._context)
                if proxy
                else _direct_pools(self._context)
            )
        return self._pools[proxy]

    def _proxy(self, scheme: str, host: str) -> str:
        excluded = [word.strip().lstrip(".") for word in self._environment.get("no_proxy", "").split(",")]
        if any(word in {"*", host} or (word and host.endswith("." + word)) for word in excluded):
            return ""
        return self._environment.get(f"{scheme}_proxy", "") or self._environment.get("all_proxy", "")


class _HttpAttempt:
    """Tries at one URL; remembers from one to the next what resuming needs."""

    def __init__(
        self, fetcher: Fetcher, url: str, target: Target, extra: Mapping[str, str] | None = None
    ) -> None:
        self._fetcher = fetcher
        self._url = url
        self._target = target
        self._extra = dict(extra or {})
        self._validator: str | None = None
        self.validators: dict[str, str] = {}
        self.is_unchanged = False
        self.place = url
        self.lasting = url
        self.media_type = ""

    def probe(self) -> None:
        """Ask for the head alone; where a server will not, for the whole, and hang up."""
        try:
            for method in ("HEAD", "GET"):
                response = self._open(method)
                response.close()
                if response.status < 400:
                    return
            self._refuse(response)
        except failures.HTTPError as error:
            raise _explain(error, self._fetcher.limits) from error
        except (OSError, ValueError) as error:
            raise TransferError(_words(error), temporary=isinstance(error, OSError)) from error

    def run(self) -> None:
        response = None
        try:
            response = self._open()
            self._receive(response)
        except TransferError:
            raise
        except failures.HTTPError as error:
            raise _explain(error, self._fetcher.limits) from error
        except (OSError, ValueError) as error:
            raise TransferError(_words(error), temporary=isinstance(error, OSError)) from error
        finally:
            if response is not None:
                response.close()

    def _open(self, method: str = "GET") -> urllib3.BaseHTTPResponse:
        """Ask, following redirections; credentials go to the host they were given for."""
        url, limits = self._url, self._fetcher.limits
        self.lasting, for_good = url, True
        timeout = urllib3.Timeout(connect=limits.connect, read=limits.stall)
        first = urlsplit(url)
        for _ in range(_REDIRECTS):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise TransferError(tr("it leads to `{url}`, which is not on the web", url=shown(url)))
            headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **self._extra}
            if self._target.size and self._validator is not None:
                headers["Range"] = f"bytes={self._target.size}-"
                headers["If-Range"] = self._validator
            if first.username and (parts.scheme, parts.netloc.rpartition("@")[2]) == (
                first.scheme,
                first.netloc.rpartition("@")[2],
            ):
                pair = f"{unquote(first.username)}:{unquote(first.password or '')}"
                headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
            bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            response = self._fetcher.pool(parts.scheme, parts.hostname).request(
                method,
                bare,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=timeout,
            )
            location = response.headers.get("Location")
            if response.status not in _REDIRECT_STATUSES or not location:
                self.place = url
                self.media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return response
            response.close()
            url = urljoin(bare, location)
            for_good = for_good and response.status in {301, 308}
            if for_good:
                self.lasting = url
        raise TransferError(tr("more than {redirects} redirections", redirects=_REDIRECTS))

    def _receive(self, response: urllib3.BaseHTTPResponse) -> None:
        target = self._target
        if response.status == 206 and target.size:
            start = response.headers.get("Content-Range", "").partition("bytes ")[2].partition("-")[0]
            if start != str(target.size):
                target.restart()
                raise TransferError(tr("the server resumed at another place"), temporary=True)
        elif response.status == 200:
            target.restart()
        elif response.status == 304 and self._extra:
            self.is_unchanged = True
            return
        else:
            self._refuse(response)
        self._remember(response)
        length = response.headers.get("Content-Length", "")
        total = target.size + int(length) if length.isdigit() else None
        self._fetcher.tell(self._url, target.size, total)
        for data in response.stream(_CHUNK, decode_content=False):
            target.write(data)
            self._fetcher.tell(self._url, target.size, total)
        if total is not None and target.size != total:
            raise TransferError(
                tr("the connection ended after {size} of {total} bytes", size=target.size, total=total),
                temporary=True,
            )

    def _refuse(self, response: urllib3.BaseHTTPResponse) -> None:
        status, reason = response.status, response.reason or ""
        if status == 416:  # what we have is not the beginning of what is there now
            self._target.restart()
        retry_after = response.headers.get("Retry-After", "")
        raise TransferError(
            f"HTTP {status} {reason}".rstrip(),
            temporary=status in _TEMPORARY_STATUSES or status == 416,
            retry_after=float(retry_after) if retry_after.isdigit() else None,
        )

    def _remember(self, response: urllib3.BaseHTTPResponse) -> None:
        tag, date = response.headers.get("ETag"), response.headers.get("Last-Modified")
        self.validators = {
            name: value for name, value in (("If-None-Match", tag), ("If-Modified-Since", date)) if value
        }
        # A weak tag may stand for files that differ in bytes, and a date must not be a server's mere "now".
        self._validator = tag if tag and not tag.startswith("W/") else None if tag else date


def _explain(error: failures.HTTPError, limits: Limits) -> TransferError:
    """What urllib3 says, in words that do not name its classes."""
    cause: BaseException = error
    if isinstance(error, failures.MaxRetryError) and error.reason is not None:
        cause = error.reason
    refused = next((each for each in cause.args if isinstance(each, LinkLocal)), None)
    if refused is not None:
        return TransferError(_words(refused))
    if isinstance(cause, failures.ProxyError):
        return TransferError(tr("cannot connect through the proxy"), temporary=True, connecting=True)
    if isinstance(cause, failures.SSLError):
        return TransferError(tr("TLS failed: {cause}", cause=_tls_words(cause)))
    if isinstance(cause, failures.NameResolutionError):
        return TransferError(tr("the host's name cannot be resolved"), temporary=True, connecting=True)
    if isinstance(cause, failures.NewConnectionError):
        return TransferError(
            tr("cannot connect: {cause__}", cause__=_words(cause.__cause__ or cause)),
            temporary=True,
            connecting=True,
        )
    if isinstance(cause, failures.ConnectTimeoutError):
        return TransferError(
            tr("no connection within {connect:g} s", connect=limits.connect), temporary=True, connecting=True
        )
    if isinstance(cause, failures.ReadTimeoutError):
        return TransferError(tr("nothing came for {stall:g} s", stall=limits.stall), temporary=True)
    if isinstance(cause, (failures.ProtocolError, failures.IncompleteRead)):
        return TransferError(tr("the connection broke off"), temporary=True)
    if isinstance(cause, failures.LocationValueError):
        return TransferError(tr("it is not a valid URL"))
    return TransferError(_words(cause), temporary=True)


def _tls_words(error: BaseException) -> str:
    for each in (error.__cause__, error.__context__, *error.args):
        if isinstance(each, ssl.SSLCertVerificationError):
            return tr(
                "the server's certificate is not to be trusted, {verify_message}",
                verify_message=each.verify_message,
            )
        if isinstance(each, ssl.SSLError):
            return each.reason.replace("_", " ").lower() if each.reason else tr("no agreement")
    return tr("no agreement")


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class _FtpAttempt:
    def __init__(self, fetcher: Fetcher, url: str, target: Target) -> None:
        self._fetcher = fetcher
        self._url = url
        self._target = target

    def run(self) -> None:
        parts = urlsplit(self._url)
        limits = self._fetcher.limits
        try:
            with _FtpServer(timeout=limits.connect) as server:
                self._connect(server, parts.hostname or "", parts.port or ftplib.FTP_PORT)
                server.timeout = limits.stall
                if server.sock is not None:
                    server.sock.settimeout(limits.stall)
                server.login(unquote(parts.username or "anonymous"), unquote(parts.password or "anonymous@"))
                self._retrieve(server, unquote(parts.path.lstrip("/")))
        except ftplib.error_perm as error:
            raise TransferError(f"FTP {str(error).strip()}") from error
        except TimeoutError as error:
            raise TransferError(
                tr("nothing came for {stall:g} s", stall=limits.stall), temporary=True
            ) from error
        except (OSError, EOFError, ftplib.Error) as error:
            raise TransferError(
                tr("the connection broke off: {error}", error=_words(error)), temporary=True
            ) from error

    def _connect(self, server: ftplib.FTP, host: str, port: int) -> None:
        try:
            server.connect(host, port)
        except LinkLocal as error:
            raise TransferError(_words(error)) from error
        except socket.gaierror as error:
            raise TransferError(
                tr("the host's name cannot be resolved"), temporary=True, connecting=True
            ) from error
        except TimeoutError as error:
            limit = self._fetcher.limits.connect
            raise TransferError(
                tr("no connection within {limit:g} s", limit=limit), temporary=True, connecting=True
            ) from error
        except OSError as error:
            raise TransferError(
                tr("cannot connect: {error}", error=_words(error)), temporary=True, connecting=True
            ) from error

    def _retrieve(self, server: ftplib.FTP, path: str) -> None:
        """Binary and passive. When resuming, a file that is not shorter now is taken to be the same."""
        target = self._target
        if any(character in path for character in "\r\n\0"):
            raise TransferError(tr("it is not a valid URL"))
        server.voidcmd("TYPE I")
        total = server.size(path)
        if total is None or total < target.size:
            target.restart()
        connection, _ = server.ntransfercmd(f"RETR {path}", target.size or None)
        with connection:
            while data := connection.recv(_CHUNK):
                target.write(data)
                self._fetcher.tell(self._url, target.size, total)
        server.voidresp()
        if total is not None and target.size != total:
            raise TransferError(
                tr("the connection ended after {size} of {total} bytes", size=target.size, total=total),
                temporary=True,
            )


class _FileAttempt:
    def __init__(self, fetcher: Fetcher, url: str, target: Target) -> None:
        self._fetcher = fetcher
        self._url = url
        self._target = target

    def run(self) -> None:
        parts = urlsplit(self._url)
        if parts.netloc not in {"", "localhost"}:
            raise TransferError(tr("it names a file of another host"))
        try:
            # Opened without waiting for the other end of a pipe; devices and pipes are then refused.
            descriptor = os.open(unquote(parts.path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as stream:
                if not os.path.isfile(f"/proc/self/fd/{descriptor}"):
                    raise TransferError(tr("it is not a regular file"))
                total = os.fstat(descriptor).st_size
                while data := stream.read(_CHUNK):
                    self._target.write(data)
                    self._fetcher.tell(self._url, self._target.size, total)
        except OSError as error:
            raise TransferError(_words(error)) from error
