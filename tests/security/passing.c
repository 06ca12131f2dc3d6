/* Tries to hand an open descriptor of the file argv[1] to whoever listens on the abstract sockets that are
   called argv[2] (datagrams) and argv[3] (streams), and to bind such a name itself. Prints for each way a
   word and the number of the error, 0 for success. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int descriptor;

static socklen_t fill(struct sockaddr_un *address, const char *name)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path + 1, name, strlen(name));
    return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
}

static int hand_over(int socket, struct sockaddr_un *address, socklen_t length)
{
    char byte = 'x', room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
                             .msg_controllen = sizeof room};
    if (address) {
        message.msg_name = address;
        message.msg_namelen = length;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int by_socket(const char *name, int kind)
{
    struct sockaddr_un address;
    socklen_t length = fill(&address, name);
    int socket_ = socket(AF_UNIX, kind, 0);
    if (socket_ < 0 || connect(socket_, (struct sockaddr *)&address, length) < 0)
        return errno;
    return hand_over(socket_, NULL, 0);
}

static int by_pair(const char *name, int kind, int reconnect)
{
    struct sockaddr_un address;
    socklen_t length = fill(&address, name);
    int pair[2];
    if (socketpair(AF_UNIX, kind, 0, pair) < 0)
        return errno;
    if (!reconnect)
        return hand_over(pair[0], &address, length);
    close(pair[1]);
    if (connect(pair[0], (struct sockaddr *)&address, length) < 0)
        return errno;
    return hand_over(pair[0], NULL, 0);
}

static int bind_pair(int kind)
{
    struct sockaddr_un address;
    socklen_t length = fill(&address, "larix-test-bound");
    int pair[2];
    if (socketpair(AF_UNIX, kind, 0, pair) < 0)
        return errno;
    return bind(pair[0], (struct sockaddr *)&address, length) < 0 ? errno : 0;
}

static int listen_pair(void)
{
    struct sockaddr_un address;
    socklen_t length = fill(&address, "larix-test-listening");
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return errno;
    bind(pair[0], (struct sockaddr *)&address, length);
    close(pair[1]);
    return listen(pair[0], 1) < 0 ? errno : 0;
}

#ifdef __x86_64__
/* The kernel's 32-bit door: number, then up to five arguments below 4 GiB. */
static long door(long number, long a, long b, long c, long d)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

static int by_door(const char *name, int call)
{
    int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    int *pair = low + 64;
    long result;
    if (call == 102) { /* socketcall(SYS_SOCKETPAIR) */
        low[0] = AF_UNIX, low[1] = SOCK_DGRAM, low[2] = 0, low[3] = (int)(intptr_t)pair;
        result = door(102, 8, (long)low, 0, 0);
    } else /* socketpair itself */
        result = door(360, AF_UNIX, SOCK_DGRAM, 0, (long)pair);
    if (result < 0)
        return -result;
    struct sockaddr_un address;
    socklen_t length = fill(&address, name);
    return hand_over(pair[0], &address, length);
}
#endif

int main(int argc, char **argv)
{
    (void)argc;
    descriptor = open(argv[1], O_RDWR | O_CREAT, 0644);
    if (descriptor < 0)
        return 2;
    printf("socket-datagram %d\n", by_socket(argv[2], SOCK_DGRAM));
    printf("socket-stream %d\n", by_socket(argv[3], SOCK_STREAM));
    printf("pair-datagram %d\n", by_pair(argv[2], SOCK_DGRAM, 0));
    printf("pair-raw %d\n", by_pair(argv[2], SOCK_RAW, 0));
    printf("pair-datagram-connect %d\n", by_pair(argv[2], SOCK_DGRAM, 1));
    printf("pair-flags %d\n", by_pair(argv[2], SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    printf("pair-stream %d\n", by_pair(argv[3], SOCK_STREAM, 0));
    printf("pair-stream-connect %d\n", by_pair(argv[3], SOCK_STREAM, 1));
    printf("pair-packets %d\n", by_pair(argv[3], SOCK_SEQPACKET, 1));
    printf("bind-datagram %d\n", bind_pair(SOCK_DGRAM));
    printf("listen-stream %d\n", listen_pair());
#ifdef __x86_64__
    printf("x32-pair %ld\n", syscall(53 | 0x40000000, AF_UNIX, SOCK_DGRAM, 0, &descriptor) < 0 ? (long)errno : 0L);
    fflush(stdout);
    printf("door-socketcall %d\n", by_door(argv[2], 102));
    printf("door-pair %d\n", by_door(argv[2], 360));
#endif
    return 0;
}
