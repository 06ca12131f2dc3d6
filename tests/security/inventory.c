/* What one process is and may do: a line for each probe, a word and what came of it. Numbers are errors, 0 for
   success; a probe that could do harm if it succeeded is made so that it would not.
   Arguments: names of the bystander's abstract socket and message queue, the key of its shared memory, a name
   in /dev/shm, and an input of the build. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void number(const char *name, long value)
{
    printf("%s %ld\n", name, value);
    fflush(stdout);
}

static void text(const char *name, const char *value)
{
    printf("%s %s\n", name, value);
    fflush(stdout);
}

/* The error of an expression that is negative when it fails. */
#define TRY(name, expression) number(name, (errno = 0, (long)(expression) < 0) ? errno : 0)
#define CALL(name, ...) TRY(name, syscall(__VA_ARGS__))

static void first_line(const char *name, const char *file)
{
    char line[512] = "";
    FILE *stream = fopen(file, "r");
    if (!stream) {
        number(name, errno);
        return;
    }
    if (!fgets(line, sizeof line, stream))
        line[0] = 0;
    line[strcspn(line, "\n")] = 0;
    for (char *each = line; *each; each++)
        if (*each == '\t' || *each == ' ')
            *each = '_';
    text(name, line);
    fclose(stream);
}

static void status_lines(void)
{
    char line[512];
    FILE *stream = fopen("/proc/self/status", "r");
    while (stream && fgets(line, sizeof line, stream)) {
        if (strncmp(line, "Cap", 3) && strncmp(line, "NoNewPrivs:", 11) && strncmp(line, "Seccomp:", 8) &&
            strncmp(line, "Groups:", 7))
            continue;
        line[strcspn(line, "\n")] = 0;
        char *value = strchr(line, ':');
        *value++ = 0;
        while (*value == '\t' || *value == ' ')
            value++;
        printf("status-%s %s\n", line, *value ? value : "none");
    }
    if (stream)
        fclose(stream);
}

static void listing(const char *name, const char *folder)
{
    DIR *opened = opendir(folder);
    if (!opened) {
        number(name, errno);
        return;
    }
    printf("%s", name);
    for (struct dirent *entry; (entry = readdir(opened));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            printf(" %s", entry->d_name);
    printf("\n");
    closedir(opened);
}

static void descriptors(void)
{
    printf("descriptors");
    for (int each = 0; each < 4096; each++)
        if (fcntl(each, F_GETFD) >= 0)
            printf(" %d", each);
    printf("\n");
}

static void processes(void)
{
    DIR *opened = opendir("/proc");
    int seen = 0;
    for (struct dirent *entry; opened && (entry = readdir(opened));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            seen++;
    number("processes", seen);
    if (opened)
        closedir(opened);
}

static void namespaces(void)
{
    static const char *kinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (int each = 0; each < 7; each++) {
        char file[64], link[128], name[64];
        snprintf(file, sizeof file, "/proc/self/ns/%s", kinds[each]);
        ssize_t length = readlink(file, link, sizeof link - 1);
        link[length < 0 ? 0 : length] = 0;
        snprintf(name, sizeof name, "namespace-%s", kinds[each]);
        text(name, link);
    }
}

static long open_error(const char *file, int flags)
{
    int descriptor = open(file, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return errno;
    close(descriptor);
    return 0;
}

static void mounts(void)
{
    /* Mounts on which set-id programs or devices would count, those of devices that larix shows apart. */
    char line[4096];
    int set_id = 0, devices = 0;
    FILE *stream = fopen("/proc/self/mountinfo", "r");
    while (stream && fgets(line, sizeof line, stream)) {
        char place[2048], options[512];
        if (sscanf(line, "%*d %*d %*s %*s %2047s %511s", place, options) != 2)
            continue;
        if (!strstr(options, "nosuid"))
            set_id += strncmp(place, "/dev/", 5) != 0;
        if (!strstr(options, "nodev"))
            devices += strncmp(place, "/dev", 4) != 0;
    }
    number("mounts-with-set-id", set_id);
    number("mounts-with-devices", devices);
    if (stream)
        fclose(stream);
}

static void networks(const char *abstract)
{
    struct if_nameindex *found = if_nameindex();
    printf("interfaces");
    for (struct if_nameindex *each = found; each && each->if_name; each++)
        printf(" %s", each->if_name);
    printf("\n");
    struct sockaddr_in away = {.sin_family = AF_INET, .sin_port = htons(9)};
    inet_pton(AF_INET, "192.0.2.1", &away.sin_addr);
    int channel = socket(AF_INET, SOCK_DGRAM, 0);
    TRY("reach-away", connect(channel, (struct sockaddr *)&away, sizeof away));
    TRY("socket-raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    TRY("socket-packet", socket(AF_PACKET, SOCK_RAW, 0));
    struct sockaddr_in low = {.sin_family = AF_INET, .sin_port = htons(1)};
    low.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    TRY("bind-low-port", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&low, sizeof low));
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path + 1, abstract, strlen(abstract));
    TRY("reach-abstract", connect(socket(AF_UNIX, SOCK_DGRAM, 0), (struct sockaddr *)&name,
                                  offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract)));
    int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct {
        struct nlmsghdr head;
        struct ifinfomsg body;
    } message = {{sizeof message, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, {.ifi_index = 1}};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr body;
        char more[512];
    } answer;
    send(netlink, &message, sizeof message, 0);
    number("change-interface", recv(netlink, &answer, sizeof answer, 0) > 0 ? -answer.body.error : -1);
}

static void changing_mounts(const char *input)
{
    char file[4200];
    TRY("mount-tmpfs", mount("none", "/tmp", "tmpfs", 0, ""));
    TRY("mount-bind", mount("/", "/tmp", NULL, MS_BIND, ""));
    TRY("remount-root", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, ""));
    TRY("remount-input", mount(NULL, input, NULL, MS_REMOUNT | MS_BIND, ""));
    TRY("remount-proc", mount(NULL, "/proc", NULL, MS_REMOUNT, "hidepid=0"));
    TRY("unmount-proc", umount2("/proc", MNT_DETACH));
    TRY("unmount-input", umount2(input, MNT_DETACH));
    TRY("chroot", chroot("/"));
    CALL("pivot-root", SYS_pivot_root, "/", "/tmp");
    CALL("open-tree", 428, AT_FDCWD, "/", 1 | O_CLOEXEC);
    CALL("fsopen", 430, "tmpfs", 0);
    CALL("mount-setattr", 442, AT_FDCWD, "/", 0, &(uint64_t[4]){0, 1, 0, 0}, 32);
    number("write-root", open_error("/new", O_WRONLY | O_CREAT));
    number("write-etc", open_error("/etc/new", O_WRONLY | O_CREAT));
    number("write-dev", open_error("/dev/new", O_WRONLY | O_CREAT));
    snprintf(file, sizeof file, "%s/new", input);
    number("write-input", open_error(file, O_WRONLY | O_CREAT));
    TRY("chmod-input", chmod(input, 0777));
    TRY("rename-input", rename(input, "/tmp/away"));
}

static void changing_namespaces(void)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET},
                 {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
    for (int each = 0; each < 8; each++) {
        char name[64];
        snprintf(name, sizeof name, "unshare-%s", kinds[each].name);
        TRY(name, unshare(kinds[each].flag));
    }
    uint64_t arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    long child = syscall(SYS_clone3, arguments, sizeof arguments);
    if (child == 0)
        _exit(0);
    number("clone3-user", child < 0 ? errno : 0);
    number("join-first", open_error("/proc/1/ns/mnt", O_RDONLY));
    number("more-namespaces", open_error("/proc/sys/user/max_user_namespaces", O_WRONLY));
}

static void rights(void)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    printf("uids %d %d %d %d\n", real, effective, saved, setfsuid(-1));
    printf("gids %d %d %d %d\n", real_group, effective_group, saved_group, setfsgid(-1));
    number("groups", getgroups(0, NULL));
    TRY("become-root", setresuid(0, 0, 0));
    TRY("become-other", setresuid(65534, 65534, 65534));
    TRY("become-group", setresgid(0, 0, 0));
    TRY("set-groups", setgroups(1, &(gid_t){0}));
    first_line("uid-map", "/proc/self/uid_map");
    first_line("gid-map", "/proc/self/gid_map");
    first_line("setgroups", "/proc/self/setgroups");
    number("map-again", open_error("/proc/self/uid_map", O_WRONLY) ?: (int)({
        int map = open("/proc/self/uid_map", O_WRONLY);
        write(map, "0 0 1", 5) < 0 ? errno : 0;
    }));
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    CALL("take-capabilities", SYS_capset, &head, all);
    TRY("ambient-capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
    number("bounding-set", prctl(PR_CAPBSET_READ, 21));
    TRY("allow-new-rights", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    TRY("priority", setpriority(PRIO_PROCESS, 0, -20));
    TRY("real-time", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    printf("core-limit %ld %ld\n", (long)core.rlim_cur, (long)core.rlim_max);
    core.rlim_max = 1 << 20;
    TRY("raise-core-limit", setrlimit(RLIMIT_CORE, &core));
    number("umask", umask(022));
}

static void files(void)
{
    int file = open("/tmp/inventory", O_RDWR | O_CREAT | O_TRUNC, 0644);
    TRY("set-uid", fchmod(file, 04755));
    TRY("set-gid", chmod("/tmp/inventory", 02755));
    TRY("sticky", fchmod(file, 01750));
    TRY("give-away", fchown(file, 0, 0));
    TRY("device", mknod("/tmp/device", S_IFCHR | 0600, makedev(1, 1)));
    TRY("attribute", fsetxattr(file, "user.x", "1", 1, 0));
    TRY("attributes", flistxattr(file, NULL, 0));
    TRY("acl", setxattr("/tmp/inventory", "system.posix_acl_access", "\2\0\0\0", 4, 0));
    CALL("by-handle", SYS_open_by_handle_at, AT_FDCWD, &(uint64_t[4]){8}, 0);
    CALL("openat2", 437, AT_FDCWD, "/", &(uint64_t[3]){0}, 24);
    CALL("io-uring", 425, 1, &(char[256]){0});
    CALL("add-key", SYS_add_key, "user", "x", "y", 1, -3);
    CALL("request-key", SYS_request_key, "user", "x", NULL, -3);
    CALL("keyctl", SYS_keyctl, 0, -3, 1);
    CALL("bpf", SYS_bpf, 0, &(char[128]){0}, 128);
    CALL("perf", SYS_perf_event_open, &(char[128]){0}, 0, -1, -1, 0);
    CALL("trace-first", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
    char room[8];
    struct iovec here = {room, 8}, there = {(void *)0x400000, 8};
    TRY("read-first", process_vm_readv(1, &here, 1, &there, 1, 0));
    TRY("init-module", syscall(SYS_init_module, "", 0, ""));
    TRY("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    TRY("reboot", syscall(SYS_reboot, 1, 2, 3, 0));
    TRY("swap", syscall(SYS_swapon, "/tmp/inventory", 0));
    TRY("accounting", syscall(SYS_acct, "/tmp/inventory"));
    TRY("kernel-log", syscall(SYS_syslog, 5, NULL, 0));
    char name[256];
    gethostname(name, sizeof name);
    TRY("host-name", sethostname(name, strlen(name)));
    TRY("ports", syscall(SYS_ioperm, 0x80, 1, 1));
    TRY("watch-and-permit", syscall(SYS_fanotify_init, 0x04 | 0x10, 0));
}

static void kernel_files(void)
{
    static const struct {
        const char *name, *file;
        int flags;
    } probes[] = {
        {"sysrq", "/proc/sysrq-trigger", O_WRONLY},
        {"core-pattern", "/proc/sys/kernel/core_pattern", O_WRONLY},
        {"modprobe", "/proc/sys/kernel/modprobe", O_WRONLY},
        {"forwarding", "/proc/sys/net/ipv4/ip_forward", O_WRONLY},
        {"kcore", "/proc/kcore", O_RDONLY},
        {"kmsg", "/proc/kmsg", O_RDONLY},
        {"first-root", "/proc/1/root", O_RDONLY},
        {"first-environment", "/proc/1/environ", O_RDONLY},
        {"first-memory", "/proc/1/mem", O_RDONLY},
        {"sys", "/sys/kernel", O_RDONLY},
        {"uevent", "/sys/kernel/uevent_helper", O_WRONLY},
        {"dev-mem", "/dev/mem", O_RDONLY},
        {"dev-kmsg", "/dev/kmsg", O_WRONLY},
        {"dev-kvm", "/dev/kvm", O_RDWR},
        {"dev-fuse", "/dev/fuse", O_RDWR},
        {"dev-tun", "/dev/net/tun", O_RDWR},
        {"dev-tty", "/dev/tty", O_RDWR},
        {"dev-console", "/dev/console", O_RDWR},
        {"passwords", "/etc/shadow", O_RDONLY},
        {"home-of-root", "/root", O_RDONLY},
        {"sockets-of-the-host", "/run", O_RDONLY},
    };
    for (unsigned each = 0; each < sizeof probes / sizeof *probes; each++)
        number(probes[each].name, open_error(probes[each].file, probes[each].flags));
}

static void terminals(void)
{
    number("session", getsid(0) > 0);
    number("own-session", getsid(0) != 1);
    TRY("terminal-name", ttyname(0) ? 0 : -1);
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    number("pseudo-terminal", leader < 0 ? errno : 0);
    TRY("push-key", ioctl(leader, TIOCSTI, "x"));
    TRY("push-key-high", syscall(SYS_ioctl, leader, (unsigned long)TIOCSTI | 1UL << 40, "x"));
    TRY("select-text", ioctl(leader, TIOCLINUX, "\2"));
    TRY("push-key-standard-input", ioctl(0, TIOCSTI, "x"));
    TRY("take-terminal", ioctl(0, TIOCSCTTY, 1));
}

static void messages(const char *queue, int key, const char *shared)
{
    char file[256];
    TRY("shared-memory", shmget(key, 0, 0));
    TRY("queue", syscall(SYS_mq_open, queue, O_RDONLY, 0, NULL)); /* without the slash of the C library */
    snprintf(file, sizeof file, "/dev/shm/%s", shared);
    number("shared-file", open_error(file, O_RDONLY));
    listing("dev-shm", "/dev/shm");
    TRY("signal-all", kill(-1, 0)); /* its own kind only: nobody is harmed */
}

static void times(void)
{
    struct timespec now;
    struct timeval moment;
    clock_gettime(CLOCK_REALTIME, &now);
    TRY("set-clock", clock_settime(CLOCK_REALTIME, &now));
    gettimeofday(&moment, NULL);
    TRY("set-time", settimeofday(&moment, NULL));
    TRY("adjust-clock", adjtimex(&(struct timex){.modes = ADJ_STATUS}));
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    descriptors();
    printf("environment");
    for (char **each = environ; *each; each++)
        printf(" %.*s", (int)strcspn(*each, "="), *each);
    printf("\n");
    struct utsname names;
    uname(&names);
    text("node", names.nodename);
    text("domain", names.domainname);
    char link[256];
    ssize_t length = readlink("/proc/self/fd/0", link, sizeof link - 1);
    link[length < 0 ? 0 : length] = 0;
    text("standard-input", link);
    status_lines();
    namespaces();
    processes();
    listing("root", "/");
    listing("devices", "/dev");
    mounts();
    rights();
    networks(argv[1]);
    messages(argv[2], atoi(argv[3]), argv[4]);
    terminals();
    kernel_files();
    times();
    files();
    changing_namespaces();
    changing_mounts(argv[5]);
    return 0;
}
