"""libdeflate."""

from __future__ import annotations

from larix.buildsystems.cmake import cmake
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import zlib

__all__ = ["libdeflate"]


libdeflate = Package(
    name="libdeflate",
    version="1.23",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/ebiggers/libdeflate/archive/refs/tags/v{p.version}.tar.gz",
            f"debian://pool/main/libd/libdeflate/libdeflate_{p.version}.orig.tar.gz",
        ),
        file_name=f"libdeflate-{p.version}.tar.gz",
        sha256="1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f",
    ),
    build_system=cmake,
    arguments={
        "generator": "Ninja",
        "configure_flags": ["-DLIBDEFLATE_BUILD_TESTS=ON", "-DLIBDEFLATE_USE_SHARED_LIB=ON"],
    },
    native_inputs=lambda: [zlib.zlib],  # the tests compare with it
    synopsis="Compress whole buffers in the formats of gzip fast",
    description=(
        "libdeflate compresses and restores data in the formats DEFLATE, zlib and gzip, a whole buffer at a "
        "time, which makes it faster than libraries that work on streams. The program libdeflate-gzip does "
        "the same for files."
    ),
    home_page="https://github.com/ebiggers/libdeflate",
    license=licenses.expat,
)
