#!/bin/sh
# Pins the dependencies of pyproject.toml anew, at their newest versions, with hashes and without naming an index.
# Needs pip-tools and the oldest Python larix supports: markers are resolved for the Python that runs this.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.11}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" - "$scratch" <<'PYTHON'
import pathlib, sys, tomllib

project = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))
scratch = pathlib.Path(sys.argv[1])
(scratch / "runtime.in").write_text("\n".join(project["project"]["dependencies"]) + "\n")
(scratch / "dev.in").write_text("\n".join(["-c requirements.lock", *project["dependency-groups"]["dev"]]) + "\n")
PYTHON

pin() { # SOURCE TARGET COMMENT
    (cd "$scratch" && "$python" -m piptools compile --quiet --upgrade --generate-hashes --strip-extras \
        --allow-unsafe --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        --no-emit-trusted-host --output-file "$2" "$1")
    { printf '# %s\n# Made anew by: tools/relock.sh\n' "$3"; cat "$scratch/$2"; } > "$2"
}
pin runtime.in requirements.lock \
    'Run-time dependencies of larix, pinned with the hashes of every published file; good for Python 3.11 to 3.13.'
pin dev.in requirements-dev.lock 'What ./check needs on top of requirements.lock, pinned the same way.'
