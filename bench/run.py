"""Measure larix beside real Nix and print the table.

    bench/run.py                    every row
    bench/run.py A1 B2 --runs 9     some of them, more runs each
    bench/run.py --json             the samples themselves, for keeping
    bench/run.py --readme           write the table into bench/README.md

Needs Debian's nix-bin, bash-static and busybox-static, root for comparable sandboxes, and 8 GB of free space.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Comparison, Failed, summary, table
from rows import ROWS
from scratch import BENCH, CHECKOUT, LARIX, Scratch, find_program

README_TABLE = re.compile(r"(?<=<!-- table -->\n).*(?=<!-- end of table -->)", re.DOTALL)


def heading() -> str:
    """What was measured and where: larix's commit, Nix, the kernel, the processors."""
    commit = subprocess.run(
        ["git", "-C", CHECKOUT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    nix = subprocess.run(
        ["nix-store", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    system = f"Linux {platform.release()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    return f"larix {commit or 'outside git'} beside {nix}; {system}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run.py", description="Measure larix beside real Nix.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of {' '.join(ROWS)}; default: all")
    parser.add_argument("-n", "--runs", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the samples as JSON")
    parser.add_argument("--readme", action="store_true", help="write the table into bench/README.md")
    options = parser.parse_args()
    unknown = [name for name in options.rows if name.upper() not in ROWS]
    if unknown:
        parser.error(f"no such row: {' '.join(unknown)}")
    find_program("nix-store", "nix-bin")
    subprocess.run([LARIX, "--version"], check=True, stdout=subprocess.DEVNULL)

    found: list[Comparison] = []
    failed: list[str] = []
    for name in [row.upper() for row in options.rows] or ROWS:
        scratch = Scratch(tempfile.mkdtemp(prefix="larix-bench-"))
        try:
            for comparison in ROWS[name](scratch, options.runs):
                found.append(comparison)
                print(summary(comparison), file=sys.stderr, flush=True)
        except Failed as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
        finally:
            scratch.close()
    text = f"{heading()}\n\n{table(found)}\n"
    print(json.dumps([comparison._asdict() for comparison in found]) if options.json else text)
    if options.readme:
        readme = os.path.join(BENCH, "README.md")
        with open(readme, encoding="utf-8") as file:
            before = file.read()
        with open(readme, "w", encoding="utf-8") as file:
            file.write(README_TABLE.sub(lambda _: f"\n{text}\n", before))
    if failed:
        sys.exit(f"not measured: {' '.join(failed)}")


if __name__ == "__main__":
    main()
