import io
import signal
import sys

import pytest

from larix.buildside.invoke import InvokeError, invoke
from larix.buildside.reports import ending_signal, exit_status, report_invoke_error


def failure(*command):
    with pytest.raises(InvokeError) as caught:
        invoke(*command)
    return caught.value


def report(error):
    stream = io.StringIO()
    report_invoke_error(error, stream)
    return stream.getvalue()


def test_status_is_told():
    error = failure(sys.executable, "-c", "raise SystemExit(3)")
    assert (exit_status(error), ending_signal(error)) == (3, None)
    assert report(error) == f"program: {sys.executable}\narguments: -c 'raise SystemExit(3)'\nstatus: 3\n"


def test_signal_is_told():
    error = failure(sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert (exit_status(error), ending_signal(error)) == (None, signal.SIGTERM)
    assert report(error).endswith("signal: 15 (SIGTERM)\n")


def test_program_that_is_not_there_is_told(capsys):
    error = failure("/no/such/program", "x")
    assert (exit_status(error), ending_signal(error)) == (None, None)
    capsys.readouterr()
    report_invoke_error(error)
    assert capsys.readouterr().out.splitlines()[-1] == "not started: `/no/such/program x` does not exist"
