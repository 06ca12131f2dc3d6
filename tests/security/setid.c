/* Tries every way to a file with a set-id bit, from both doors of the kernel, on a copy of itself, argv[1], and
   in the folder argv[2]. Prints for each way a word and the number of the error, 0 for success. Called with one
   argument, it prints whom it runs as. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int modes[] = {04755, 02755, 06755, 04000, 07777};

static void report(const char *way, int mode, long result)
{
    printf("%s-%o %d\n", way, mode, result < 0 ? errno : 0);
    fflush(stdout);
}

#ifdef __x86_64__
static long door(long number, long a, long b, long c, long d)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    result = (int)result;
    if (result < 0) {
        errno = -result;
        return -1;
    }
    return result;
}
#endif

int main(int argc, char **argv)
{
    if (argc < 3) {
        printf("%d %d\n", geteuid(), getegid());
        return 0;
    }
    char *file = argv[1], *folder = argv[2], fresh[4096];
    int descriptor = open(file, O_RDONLY);
    for (unsigned each = 0; each < sizeof modes / sizeof *modes; each++) {
        int mode = modes[each];
        snprintf(fresh, sizeof fresh, "%s/fresh-%o", folder, mode);
        report("chmod", mode, syscall(SYS_chmod, file, mode));
        report("fchmod", mode, syscall(SYS_fchmod, descriptor, mode));
        report("fchmodat", mode, syscall(SYS_fchmodat, AT_FDCWD, file, mode));
        report("fchmodat2", mode, syscall(452, AT_FDCWD, file, mode, 0));
        report("chmod-high", mode, syscall(SYS_chmod, file, mode | 1L << 40));
        report("creat", mode, syscall(SYS_creat, fresh, mode));
        report("open", mode, syscall(SYS_open, fresh, O_CREAT | O_WRONLY, mode));
        report("openat", mode, syscall(SYS_openat, AT_FDCWD, fresh, O_CREAT | O_WRONLY, mode));
        report("tmpfile", mode, syscall(SYS_openat, AT_FDCWD, folder, O_TMPFILE | O_RDWR, mode));
        report("mknod", mode, syscall(SYS_mknod, fresh, mode | S_IFREG, 0));
        report("mknodat", mode, syscall(SYS_mknodat, AT_FDCWD, fresh, mode | S_IFREG, 0));
        report("openat2", mode, syscall(437, AT_FDCWD, fresh, &(uint64_t[3]){O_CREAT | O_WRONLY, mode, 0}, 24));
        report("memory", mode, syscall(SYS_fchmod, syscall(SYS_memfd_create, "x", 0), mode));
        report("folder", mode, syscall(SYS_chmod, folder, mode));
#ifdef __x86_64__
        report("x32-chmod", mode, syscall(SYS_chmod | 0x40000000, file, mode));
        char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        strcpy(low, file);
        strcpy(low + 4096, fresh);
        report("door-chmod", mode, door(15, (long)low, mode, 0, 0));
        report("door-fchmod", mode, door(94, descriptor, mode, 0, 0));
        report("door-fchmodat", mode, door(306, AT_FDCWD, (long)low, mode, 0));
        report("door-fchmodat2", mode, door(452, AT_FDCWD, (long)low, mode, 0));
        report("door-creat", mode, door(8, (long)low + 4096, mode, 0, 0));
        report("door-open", mode, door(5, (long)low + 4096, O_CREAT | O_WRONLY, mode, 0));
        report("door-openat", mode, door(295, AT_FDCWD, (long)low + 4096, O_CREAT | O_WRONLY, mode));
        report("door-mknod", mode, door(14, (long)low + 4096, mode | S_IFREG, 0, 0));
        munmap(low, 8192);
#endif
    }
    report("plain", 0555, syscall(SYS_chmod, file, 0555));
    report("plain", 01750, syscall(SYS_chmod, folder, 01750));
    return 0;
}
