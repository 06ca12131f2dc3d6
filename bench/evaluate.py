"""Row H3 through the library: every package of the catalogue is lowered to its derivation.

evaluate.py [FOLDER]...    of these folders and the distributions; prints how many there are
"""

import gc
import sys

from larix.cli.catalogues import open_catalogue
from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages.platform import host_system
from larix.packages.toolchain import lowering_for


def main(folders: list[str]) -> None:
    gc.set_threshold(50_000)  # as the command line does
    catalogue = open_catalogue(folders)
    lowering = lowering_for(DEFAULT_STORE_DIR, host_system())
    derivations = {
        lowering.lower(catalogue.load(entry)).origin.path
        for entry in catalogue.entries
        if catalogue.system in entry.systems
    }
    print(len(derivations))


if __name__ == "__main__":
    main(sys.argv[1:])
