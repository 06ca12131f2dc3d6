"""The files of a site: units of systemd, accounts, folders made at boot, and settings to start from.

What the units leave out, they leave out on purpose. A build makes name spaces, mounts `/proc` and sets its
own host name: `RestrictNamespaces`, `ProtectHostname`, `ProtectKernelTunables`, `ProtectControlGroups`,
`ProtectProc`, `PrivateDevices` and the like would forbid it (a new `/proc` cannot be mounted where parts of
the old one are covered). All that filters system calls would be inherited by builds and change what they do.
`PrivateTmp` would hide the trees of failed builds, `ProtectHome` the roots that users keep at home.
"""

from __future__ import annotations

from larix.builder.sandbox.users import BUILD_GROUP as DEFAULT_GROUP
from larix.daemon.site.places import Site

__all__ = ["service_unit", "settings_file", "socket_unit", "sysusers_file", "tmpfiles_file"]

# What root may do and a daemon never does. In the name spaces of builds these mean nothing.
_NEVER_NEEDED = (
    "CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_BPF CAP_IPC_LOCK CAP_LEASE CAP_MAC_ADMIN CAP_MAC_OVERRIDE "
    "CAP_NET_RAW CAP_PERFMON CAP_SYS_BOOT CAP_SYS_MODULE CAP_SYS_PACCT CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYSLOG "
    "CAP_WAKE_ALARM"
)


def _quoted(text: str) -> str:
    """A word as units have it: nothing in it is expanded."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if any(letter in text for letter in " \t\"'\\;$") else escaped


def service_unit(site: Site) -> str:
    layout = site.layout
    user = f"User={site.user}\nGroup={site.user}\n" if site.user else ""
    group = ""
    if not site.user and site.build_users and site.build_group != DEFAULT_GROUP:
        group = f" --build-users-group={site.build_group}"
    bounding = "" if site.user else f"CapabilityBoundingSet=~{_NEVER_NEEDED}\n"
    nothing = "CapabilityBoundingSet=\nAmbientCapabilities=\n" if site.user else ""
    return f"""\
[Unit]
Description=larix, keeper of {layout.store_dir}
Documentation=man:larix-daemon(1)
Requires=larix-daemon.socket
RequiresMountsFor={_quoted(layout.store_dir)} {_quoted(layout.state_dir)}
ConditionPathIsReadWrite={_quoted(layout.state_dir)}

[Service]
Type=exec
ExecStart={_quoted(site.program)} daemon{group}
ExecReload=/bin/kill -HUP $MAINPID
{user}Environment=LARIX_STORE_DIR={_quoted(layout.store_dir)}
Environment=LARIX_STATE_DIRECTORY={_quoted(layout.state_dir)}
Environment=LARIX_LOG_DIRECTORY={_quoted(layout.log_dir)}
Environment=LARIX_CONFIGURATION_DIRECTORY={_quoted(site.configuration_dir)}
StandardOutput=null
Restart=on-failure
# The daemon ends its sessions itself; what does not end is killed with the unit.
KillMode=mixed
UMask=0022
# Builds are many processes with many files; one that runs out of memory is no reason to end the others.
LimitNOFILE=1048576
TasksMax=infinity
OOMPolicy=continue
Delegate=yes
# Name spaces, system calls, /proc, /tmp and homes are left as they are: builds and roots need them.
NoNewPrivileges=yes
ProtectSystem=full
{bounding}{nothing}
[Install]
WantedBy=multi-user.target
Also=larix-daemon.socket
"""


def socket_unit(site: Site) -> str:
    folder = f"{site.layout.state_dir}/daemon-socket"
    return f"""\
[Unit]
Description=Sockets of larix, keeper of {site.layout.store_dir}
RequiresMountsFor={_quoted(site.layout.state_dir)}
ConditionPathIsReadWrite={_quoted(site.layout.state_dir)}

[Socket]
# For clients of larix and Guix, and for those of Nix; who may do what is told by the credentials.
ListenStream={_quoted(folder)}/socket
ListenStream={_quoted(folder)}/nix-socket
SocketMode=0666
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""


def sysusers_file(site: Site) -> str:
    if site.user:
        return (
            f"# Who runs the larix daemon.\n"
            f'u {site.user} - "larix daemon" {site.layout.state_dir} /usr/sbin/nologin\n'
        )
    lines = [
        "# As whom larix builds: no two builds that run at once share one of them.",
        f"g {site.build_group} -",
    ]
    for number, name in enumerate(site.build_user_names, 1):
        lines += [
            f'u {name} -:{site.build_group} "larix build user {number}" /var/empty /usr/sbin/nologin',
            f"m {name} {site.build_group}",
        ]
    return "\n".join(lines) + "\n"


def tmpfiles_file(site: Site, folders: list[tuple[str, int]]) -> str:
    """`folders` are those of the store, with their modes."""
    owner = site.user or "root"
    lines = ["# The folders of larix, should they be missing when the machine starts."]
    lines += [f"d {_quoted(name)} {mode:04o} {owner} {owner} -" for name, mode in folders]
    return "\n".join(lines) + "\n"


def settings_file(site: Site) -> str:
    group = "" if site.user else '# build-users-group = "larixbuild"  # as whose members builds run\n'
    return f"""\
# Settings of the larix daemon. Every line is what holds anyway; remove the # to change it, then run
# `systemctl reload larix-daemon`. The manual tells of each: docs/daemon.md.

# allowed-users = ["*"]            # who may connect; "@group" too
# trusted-users = ["root"]         # who may add what is not signed, and repair
# trusted-public-keys = []         # `NAME:BASE64`, or files of such lines: what they signed anybody may add

# max-jobs = "auto"                # builds at one time for each client: half the processors; 0: none
# cores = 0                        # for each build; 0: all
# timeout = 86400                  # seconds; 0: without limit
# max-silent-time = 3600
# max-build-log-size = 0           # bytes; 0: without limit
# log-compression = "auto"         # bzip2 for clients of Nix, gzip for others; or "gzip", "bzip2", "none"
# keep-logs = true
# system = ""                      # what derivations call this machine; empty: found out
# rounds = 1                       # how often everything is built and compared
# sandbox-paths = []               # what builds see of the host: "/FILE" or "/INSIDE=/OUTSIDE"
# connect-timeout = 15             # seconds that a download waits for a server
# download-attempts = 5            # how often a download is tried that breaks off
# cache-failures = false           # true: what failed is not tried again
{group}
# keep-outputs = false             # what collections keep besides what is reached
# keep-derivations = true
# min-free = 0                     # collect garbage when less is free, such as "5GiB"; 0: never
# max-free = 0                     # until so much is free; 0: all that is dead goes
# min-free-check-interval = 5      # seconds
# deduplicate = true               # let equal files share their space

# max-sessions = 512
# max-sessions-per-user = 64
"""
