/* Starts a program of a relocatable pack, from wherever the pack was unpacked.

   This file's program stands, under many names, in the folders of programs of the pack's profile:

       ROOT/larix/store/HASH-profile/bin/NAME         this
       ROOT/larix/store/HASH-profile/bin/.NAME-real   a relative link to what is to be run

   Programs know each other, their libraries and their data by names that begin with the store directory, which
   the machine does not have. There are two ways to make them right, called engines:

   userns   A user and a mount namespace in which the pack's store is mounted at its place. Costs a millisecond
            at the start and nothing afterwards. Many machines, and most containers, do not allow it.
   ptrace   (with FALLBACK) A process of this program looks at every file name that the program and its
            children hand to the kernel, and changes those below the store directory. Programs are started by
            the loader of their C library, named as the file that it is. This slows down what opens many files.

   LARIX_EXECUTION_ENGINE chooses: `userns', `ptrace', or `default' for the first that works.

   Built statically: there is no library that it could use. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#define CANNOT_RUN 127

char root[PATH_MAX];
static char program[PATH_MAX]; /* what to run, by its name in the store */
static const char *name;

void say(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static _Noreturn void run(char **argv)
{
    argv[0] = program;
    execv(program, argv);
    say("cannot run `%s': %s", program, strerror(errno));
    _exit(CANNOT_RUN);
}

/* Fill in `root' and `program' from where this file is and the link beside it; 0, or -1 after telling why. */
static int find_program(void)
{
    char self[PATH_MAX], link[PATH_MAX + NAME_MAX], target[PATH_MAX];
    char *inside = NULL, *slash, *at;
    const char *rest = target;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0) {
        say("cannot tell where this program is, since /proc/self/exe cannot be read: %s", strerror(errno));
        return -1;
    }
    self[length] = '\0';
    for (at = self; (at = strstr(at, STORE "/")) != NULL; at++)
        inside = at;
    slash = strrchr(self, '/');
    if (inside == NULL || slash == NULL) {
        say("this program must stay in its pack, below `%s', and not at `%s'", STORE, self);
        return -1;
    }
    *slash = '\0';
    snprintf(link, sizeof link, "%s/.%s-real", self, slash + 1);
    length = readlink(link, target, sizeof target - 1);
    if (length < 0) {
        say("cannot read the link `%s', which tells what to run: %s", link, strerror(errno));
        return -1;
    }
    target[length] = '\0';
    memcpy(root, self, inside - self);
    root[inside - self] = '\0';
    /* Follow the `..'s of the link from the folder, named as in the store. */
    snprintf(program, sizeof program, "%s", inside);
    while (strncmp(rest, "../", 3) == 0 && (slash = strrchr(program, '/')) != NULL) {
        *slash = '\0';
        rest += 3;
    }
    length = strlen(program);
    snprintf(program + length, sizeof program - length, "/%s", rest);
    return 0;
}

/* ---- userns ---------------------------------------------------------------------------------------------- */

static const char *failed_step;

static int failure(const char *step)
{
    failed_step = step;
    return -1;
}

static int write_text(const char *file, const char *text)
{
    int descriptor = open(file, O_WRONLY | O_CLOEXEC);
    int written = descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);

    if (descriptor >= 0)
        close(descriptor);
    return written ? 0 : failure(file);
}

/* A mount namespace of our own; for whoever is not root, a user namespace that owns it, with the same ids. */
static int leave_mounts(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char text[64];

    if (uid == 0 && unshare(CLONE_NEWNS) == 0)
        return 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return failure("unshare");
    if (write_text("/proc/self/setgroups", "deny") != 0 && errno != ENOENT)
        return -1;
    snprintf(text, sizeof text, "%u %u 1", uid, uid);
    if (write_text("/proc/self/uid_map", text) != 0)
        return -1;
    snprintf(text, sizeof text, "%u %u 1", gid, gid);
    return write_text("/proc/self/gid_map", text);
}

static int show(const char *source, const char *target, mode_t mode)
{
    char text[PATH_MAX];
    ssize_t length;

    if (S_ISLNK(mode)) {
        length = readlink(source, text, sizeof text - 1);
        if (length < 0)
            return 0;
        text[length] = '\0';
        return symlink(text, target) == 0 ? 0 : failure("symlink");
    }
    if (S_ISDIR(mode)) {
        if (mkdir(target, 0755) != 0)
            return failure("mkdir");
    } else {
        int descriptor = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0)
            return failure("open");
        close(descriptor);
    }
    if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) == 0)
        return 0;
    return errno == EACCES || errno == ENOENT ? 0 : failure("mount"); /* as invisible there as it is here */
}

/* All of the host's root directory again below `top', but for the name that the store directory begins with. */
static int show_host(const char *top)
{
    size_t first = strcspn(STORE + 1, "/");
    char source[NAME_MAX + 2], target[2 * PATH_MAX];
    struct stat status;
    struct dirent *entry;
    DIR *folder = opendir("/");

    if (folder == NULL)
        return failure("opendir");
    while ((entry = readdir(folder)) != NULL) {
        const char *each = entry->d_name;
        if (strcmp(each, ".") == 0 || strcmp(each, "..") == 0)
            continue;
        if (strlen(each) == first && strncmp(each, STORE + 1, first) == 0)
            continue;
        snprintf(source, sizeof source, "/%s", each);
        snprintf(target, sizeof target, "%s/%s", top, each);
        if (lstat(source, &status) == 0 && show(source, target, status.st_mode) != 0)
            return -1;
    }
    closedir(folder);
    return 0;
}

/* Make each folder on the way to the store directory below `top'. */
static int make_store(const char *top, char *place, size_t size)
{
    char *at;

    snprintf(place, size, "%s%s/", top, STORE);
    for (at = place + strlen(top) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        if (mkdir(place, 0755) != 0)
            return failure("mkdir");
        *at = '/';
    }
    place[strlen(place) - 1] = '\0';
    return 0;
}

/* Move this process to where the pack's store is at its place. After a failure it is of no use any more. */
static int enter_namespace(void)
{
    char store[2 * PATH_MAX], top[PATH_MAX + STORE_LENGTH], place[2 * PATH_MAX], source[64];
    char directory[PATH_MAX];
    struct stat status;
    int opened;

    if (getcwd(directory, sizeof directory) == NULL)
        strcpy(directory, "/");
    snprintf(store, sizeof store, "%s%s", root, STORE);
    if (leave_mounts() != 0)
        return -1;
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return failure("mount");
    opened = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC); /* only now, for it must be a mount of ours */
    if (opened < 0)
        return failure("open");
    if (stat(STORE, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (mount(store, STORE, NULL, MS_BIND | MS_REC, NULL) != 0)
            return failure("mount");
    } else {
        /* The new root is put together on a folder of the pack, which is there for certain. */
        snprintf(top, sizeof top, "%s%.*s", root, (int)strcspn(STORE + 1, "/") + 1, STORE);
        if (mount("larix", top, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") != 0)
            return failure("mount(tmpfs)");
        /* Not to be found again inside the binds of the folders above it. */
        if (mount(NULL, top, NULL, MS_UNBINDABLE, NULL) != 0)
            return failure("mount");
        if (show_host(top) != 0 || make_store(top, place, sizeof place) != 0)
            return -1;
        snprintf(source, sizeof source, "/proc/self/fd/%d", opened);
        if (mount(source, place, NULL, MS_BIND | MS_REC, NULL) != 0)
            return failure("mount");
        if (chdir(top) != 0)
            return failure("chdir");
        if (syscall(SYS_pivot_root, ".", ".") == 0) {
            if (umount2(".", MNT_DETACH) != 0)
                return failure("umount2");
        } else if (chroot(".") != 0) { /* there is no moving away from the root of an initial memory disk */
            return failure("chroot");
        }
    }
    close(opened);
    if (chdir("/") != 0)
        return failure("chdir");
    (void)!chdir(directory);
    return 0;
}

/* Whether a child of ours could do it. */
static int can_enter_namespace(void)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(enter_namespace() == 0 ? 0 : 1);
    if (child < 0)
        return 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#ifndef FALLBACK
int start_traced(void)
{
    say("this pack was made without the engine `ptrace'; `larix pack -RR' makes one that has it");
    return -1;
}
#endif

int main(int argc, char **argv)
{
    const char *engine = getenv("LARIX_EXECUTION_ENGINE");
    int may_enter, may_trace = 0;

    name = argc > 0 ? argv[0] : "larix-launcher";
    if (engine == NULL || *engine == '\0' || strcmp(engine, "performance") == 0)
        engine = "default";
    if (find_program() != 0)
        return CANNOT_RUN;
    if (*root == '\0' || argc == 0)
        run(argv);
    may_enter = strcmp(engine, "default") == 0 || strcmp(engine, "userns") == 0;
    may_trace = strcmp(engine, "ptrace") == 0 || strcmp(engine, "proot") == 0;
#ifdef FALLBACK
    may_trace |= strcmp(engine, "default") == 0;
#endif
    if (!may_enter && !may_trace) {
        say("LARIX_EXECUTION_ENGINE is `%s'; there are `default', `userns' and `ptrace'", engine);
        return CANNOT_RUN;
    }
    if (may_enter && (!may_trace || can_enter_namespace())) {
        if (enter_namespace() == 0)
            run(argv);
        say("cannot show the pack's store at %s, for which namespaces are needed: %s: %s", STORE, failed_step,
            strerror(errno));
#ifndef FALLBACK
        say("`larix pack -RR' makes packs that can do without");
#endif
        return CANNOT_RUN;
    }
    if (start_traced() == 0)
        run(argv);
    return CANNOT_RUN;
}
